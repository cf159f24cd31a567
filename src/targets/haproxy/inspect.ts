/** What no single field can show: versions too old, unequal weights, and sizes that HAProxy's buffers do not hold. */
import type { FleetIr, RuleIr } from "../../ir/index.ts";
import { backtrackingRegexes } from "../regexFindings.ts";
import type { Finding } from "../target.ts";
import { unequalWeights } from "../unequalWeights.ts";
import { isBefore } from "../version.ts";
import { capabilities } from "./capabilities.ts";
import { BUFFER_BYTES, REWRITE_BYTES } from "./renderer.ts";
import { DEFAULT_VERSION, fleetVersion } from "./version.ts";

/** Status line and headers of an answer share the buffer with its body. */
const ANSWER_HEADER_BYTES = 8_192;
const MAX_BODY_BYTES = BUFFER_BYTES - REWRITE_BYTES - ANSWER_HEADER_BYTES;

/** Errors and warnings about the whole fleet and its clusters. */
export function inspect(ir: FleetIr): readonly Finding[] {
  const found: Finding[] = [];
  if (isBefore(fleetVersion(ir), DEFAULT_VERSION)) {
    found.push({
      code: "HAPROXY-VERSION",
      severity: "error",
      message: `fleet ${ir.name} names HAProxy ${ir.version}; the configuration needs 2.6 or later`,
      resource: { kind: "fleet", name: ir.name },
      pointer: "/version",
    });
  }
  return [...found, ...unequalWeights(ir.clusters, capabilities["cluster.balance.policy"])];
}

const NONE: readonly Finding[] = [];

/** Expressions that HAProxy cannot match safely, and an answer that does not fit into its buffer. */
export function inspectRule(rule: RuleIr): readonly Finding[] {
  return [...backtrackingRegexes(rule, "HAProxy"), ...inspectBody(rule)];
}

function inspectBody({ action, route, pointer }: RuleIr): readonly Finding[] {
  if (action.kind !== "respond") return NONE;
  const size = Buffer.byteLength(action.body, "utf8");
  if (size <= MAX_BODY_BYTES) return NONE;
  const message = `the body has ${size} bytes; HAProxy answers with at most ${MAX_BODY_BYTES}`;
  return [
    {
      code: "HAPROXY-BODY-SIZE",
      severity: "error",
      message,
      resource: { kind: "route", name: route },
      pointer: `${pointer}/respond/body`,
    },
  ];
}
