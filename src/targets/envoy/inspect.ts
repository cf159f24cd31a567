/** What no single field can show: versions too old, redirects by wildcard hosts, unequal weights, regular expressions too large. */
import type { FleetIr, RuleIr } from "../../ir/index.ts";
import type { Finding, Version } from "../target.ts";
import { unequalWeights } from "../unequalWeights.ts";
import { isBefore, parseVersion } from "../version.ts";
import { capabilities } from "./capabilities.ts";
import { regexInstructions } from "./regexSize.ts";

/** The API that we write; FULL_SCAN of least_request needs 1.30. */
export const DEFAULT_VERSION: Version = [1, 31, 0];

/** Of RE2_MAX_PROGRAM_SIZE, and of RE2's own limit of about 87 000; our count is an upper estimate. */
const MAX_REGEX_INSTRUCTIONS = 50_000;

/** Errors and warnings about the whole fleet and its clusters. */
export function inspect(ir: FleetIr): readonly Finding[] {
  return [...inspectVersion(ir), ...unequalWeights(ir.clusters, capabilities["cluster.balance.policy"])];
}

const NONE: readonly Finding[] = [];

/** Errors and warnings about one rule of a virtual host. */
export function inspectRule(rule: RuleIr, hostname: string): readonly Finding[] {
  const large = rule.path.kind === "regex" || rule.headers.length > 0 ? largeRegex(rule) : null;
  const copied = rule.action.kind === "redirect" && rule.action.hostname === null && hostname.startsWith("*");
  if (large === null && !copied) return NONE;
  return [...(large === null ? [] : [large]), ...(copied ? [copiedHost(rule)] : [])];
}

function* inspectVersion(ir: FleetIr): Iterable<Finding> {
  if (ir.version === null || !isBefore(parseVersion(ir.version), DEFAULT_VERSION)) return;
  yield {
    code: "ENVOY-VERSION",
    severity: "error",
    message: `fleet ${ir.name} names Envoy ${ir.version}; the configuration needs 1.31 or later`,
    resource: { kind: "fleet", name: ir.name },
    pointer: "/version",
  };
}

function copiedHost(rule: RuleIr): Finding {
  return {
    code: "L7-REDIRECT-HOST",
    severity: "warning",
    message: [
      `rule ${rule.id} redirects to the request's host under a wildcard: Envoy copies the Host header's letter case and`,
      "trailing dot into Location, and writes the scheme's default port when the Host header had a port;",
      "set `redirect.hostname` to avoid it",
    ].join(" "),
    resource: { kind: "route", name: rule.route },
    pointer: `${rule.pointer}/redirect`,
  };
}

const sizes = new WeakMap<RuleIr, number>();

function largeRegex(rule: RuleIr): Finding | null {
  let size = sizes.get(rule);
  if (size === undefined) {
    const regexes = rule.headers.filter(({ kind }) => kind === "regex").map(({ value }) => value);
    if (rule.path.kind === "regex") regexes.push(rule.path.value);
    size = Math.max(0, ...regexes.map(regexInstructions));
    sizes.set(rule, size);
  }
  if (size <= MAX_REGEX_INSTRUCTIONS) return null;
  return {
    code: "L7-REGEX-SIZE",
    severity: "error",
    message: [
      `a regular expression of rule ${rule.id} is too large for Envoy: about ${size} RE2 instructions,`,
      `at most ${MAX_REGEX_INSTRUCTIONS}; use fewer or smaller counted repeats`,
    ].join(" "),
    resource: { kind: "route", name: rule.route },
    pointer: rule.pointer,
  };
}
