import type { Diagnostic } from "../../errors/diagnostic.ts";
import type { Resource } from "../types.ts";
import { matchesOf, problem, type Rule, type RuleBody, rulesOf, touchedOf } from "./rule.ts";

const CODE = "MODEL-HEADER";
/** Fields that carry the message's framing or that the proxies themselves write; changing them would break one proxy or the other. */
const FRAMING = [
  "connection",
  "content-length",
  "expect",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];
const REQUEST_RESERVED = new Set([...FRAMING, "host", "x-forwarded-for", "x-forwarded-proto"]);
const RESPONSE_RESERVED = new Set([...FRAMING, "content-type", "content-encoding", "date", "location", "server"]);
/** Envoy takes these as orders to itself. */
const ENVOY_PREFIX = "x-envoy-";

/** Header changes name each field once and leave framing alone; header matches do not repeat what hostnames and method say. */
export const headers: Rule = function* (_snapshot, touched) {
  for (const route of touchedOf(touched, "route")) {
    for (const { rule, at } of rulesOf(route)) {
      yield* changes(route, { rule, at, field: "requestHeaders", reserved: REQUEST_RESERVED });
      yield* changes(route, { rule, at, field: "responseHeaders", reserved: RESPONSE_RESERVED });
      for (const { match, at: matchAt } of matchesOf(rule, at)) {
        for (const [index, { name }] of (match.headers ?? []).entries()) {
          if (name.toLowerCase() !== "host") continue;
          yield problem(CODE, route, {
            pointer: `${matchAt}/headers/${index}/name`,
            message: "match the host by `hostnames`",
          });
        }
      }
    }
  }
};

interface Place {
  rule: RuleBody;
  at: string;
  field: "requestHeaders" | "responseHeaders";
  reserved: ReadonlySet<string>;
}

function* changes(route: Resource<"route">, { rule, at, field, reserved }: Place): Iterable<Diagnostic> {
  const listOf = new Map<string, string>();
  const body = rule[field] ?? {};
  for (const list of ["set", "add", "remove"] as const) {
    for (const [index, entry] of (body[list] ?? []).entries()) {
      const name = (typeof entry === "string" ? entry : entry.name).toLowerCase();
      const pointer = `${at}/${field}/${list}/${index}${typeof entry === "string" ? "" : "/name"}`;
      if (reserved.has(name) || name.startsWith(ENVOY_PREFIX)) {
        yield problem(CODE, route, { pointer, message: `${name} belongs to the proxies; it cannot be changed here` });
      }
      const earlier = listOf.get(name);
      if (earlier !== undefined && (earlier !== list || list !== "add")) {
        yield problem(CODE, route, {
          pointer,
          message: `${name} stands in \`${earlier}\` already; a name stands in one list, once (\`add\` may repeat it)`,
        });
      }
      listOf.set(name, list);
    }
  }
}
