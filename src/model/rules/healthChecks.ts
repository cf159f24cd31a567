import { regexProblem } from "../../regex/index.ts";
import type { Resource } from "../types.ts";
import { problem, type Rule, touchedOf } from "./rule.ts";

const PARTS = ["tcp", "http", "grpc"] as const;
/** Fields of a probe that HTTP itself or another leaf of the check says. */
const FRAMING = new Set([
  "host",
  "connection",
  "keep-alive",
  "proxy-connection",
  "content-length",
  "transfer-encoding",
  "te",
  "trailer",
  "upgrade",
  "expect",
]);

/** `http` belongs to type http, and so on; header fields are the probe's own, each once; a status range runs upwards. */
export const healthChecks: Rule = function* (_snapshot, touched) {
  for (const check of touchedOf(touched, "healthCheck")) {
    for (const part of PARTS) {
      if (check.body.type === part || check.body[part] === undefined) continue;
      yield problem("MODEL-HEALTH-CHECK", check, {
        pointer: `/${part}`,
        message: `has a meaning only with type ${part}`,
      });
    }
    if (check.body.http?.method === "HEAD" && check.body.http.body !== undefined) {
      const message = "an answer to HEAD has no body";
      yield problem("MODEL-HEALTH-CHECK", check, { pointer: "/http/body", message });
    }
    const { regex } = check.body.http?.body ?? {};
    const wrongRegex = regex === undefined ? null : regexProblem(regex);
    if (wrongRegex !== null)
      yield problem("L7-REGEX-DIALECT", check, { pointer: "/http/body/regex", message: wrongRegex });
    yield* headerProblems(check);
    for (const [index, range] of (check.body.http?.expectedStatus ?? []).entries()) {
      const [low, high = low] = range.split("-").map(Number) as [number, number?];
      if (high < low)
        yield problem("MODEL-HEALTH-CHECK", check, {
          pointer: `/http/expectedStatus/${index}`,
          message: `${range} is empty: it runs downwards`,
        });
    }
  }
};

function* headerProblems(check: Resource<"healthCheck">) {
  const seen = new Set<string>();
  for (const [index, { name }] of (check.body.http?.headers ?? []).entries()) {
    const field = name.toLowerCase();
    const pointer = `/http/headers/${index}/name`;
    if (FRAMING.has(field)) {
      yield problem("MODEL-HEALTH-CHECK", check, {
        pointer,
        message: `${name} is not a field that a probe can be given`,
      });
    } else if (seen.has(field)) {
      yield problem("MODEL-HEALTH-CHECK", check, { pointer, message: `${name} is there already` });
    }
    seen.add(field);
  }
}
