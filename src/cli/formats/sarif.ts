/** Problems as a SARIF 2.1.0 log, which code scanning services read. */
import { isAbsolute } from "node:path";
import { pathToFileURL } from "node:url";
import type { ErrorCode } from "../../errors/codes.ts";
import { modelCodes } from "../../model/index.ts";
import { sharedTargetCodes } from "../../targets/codes.ts";
import { envoyCodes } from "../../targets/envoy/codes.ts";
import { haproxyCodes } from "../../targets/haproxy/codes.ts";
import { nginxCodes } from "../../targets/nginx/codes.ts";
import { cliCodes } from "../codes.ts";
import type { Place, PlacedProblem } from "../document.ts";
import { pathInCheckout } from "./pathInCheckout.ts";

const SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json";
const codes: Readonly<Record<string, ErrorCode>> = {
  ...cliCodes,
  ...modelCodes,
  ...sharedTargetCodes,
  ...envoyCodes,
  ...haproxyCodes,
  ...nginxCodes,
};

/** One run of the tool of this version. The same problems give the same log. */
export function sarifLog(problems: readonly PlacedProblem[], version: string): object {
  const ids = [...new Set(problems.map(({ code }) => code))].sort();
  return logOf({
    tool: { driver: { name: "trimtab", version, rules: ids.map(ruleOf) } },
    columnKind: "utf16CodeUnits",
    results: problems.map((problem) => resultOf(problem, ids)),
  });
}

/** A log of a run that could not be: it found nothing, and nobody is to take that for good news. */
export function sarifFailure(reason: string, version: string): object {
  const notification = { level: "error", message: { text: reason } };
  return logOf({
    tool: { driver: { name: "trimtab", version } },
    invocations: [{ executionSuccessful: false, toolExecutionNotifications: [notification] }],
    results: [],
  });
}

function logOf(run: object): object {
  return { $schema: SCHEMA, version: "2.1.0", runs: [run] };
}

/** A server may be newer than we are, and its own codes are not ours. Code scanning asks for all three texts. */
function ruleOf(id: string): object {
  const { title, explanation } = codes[id] ?? { title: id, explanation: id };
  const texts = { fullDescription: { text: explanation }, help: { text: explanation } };
  return { id, shortDescription: { text: title }, ...texts };
}

function resultOf(problem: PlacedProblem, ids: readonly string[]): object {
  const { code, severity, message, related } = problem;
  return {
    ruleId: code,
    ruleIndex: ids.indexOf(code),
    level: severity,
    message: { text: message },
    locations: [locationOf(problem)],
    ...(related === undefined ? {} : { relatedLocations: [locationOf(related)] }),
  };
}

function locationOf({ file, line, column, pointer }: Place): object {
  return {
    physicalLocation: {
      artifactLocation: { uri: uriOf(file) },
      region: { startLine: line, startColumn: column },
    },
    logicalLocations: [{ fullyQualifiedName: pointer || "/" }],
  };
}

/** Relative ones as they are given: a log is read where it was made, or in a checkout of the same files. */
function uriOf(file: string): string {
  if (file === "-") return "stdin";
  const path = pathInCheckout(file);
  return isAbsolute(path) ? pathToFileURL(path).href : path.split("/").map(encodeURIComponent).join("/");
}
