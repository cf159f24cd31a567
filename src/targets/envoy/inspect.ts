/** What no single field can show: redirects by wildcard hosts, unequal weights, regular expressions too large. */
import type { FleetIr, RuleIr, VirtualHostIr } from "../../ir/index.ts";
import { inspectPlaces } from "../clusterLimits.ts";
import { inspectClusterTls } from "../clusterTls.ts";
import type { Finding } from "../target.ts";
import { dependsOnHost } from "./actions/redirectPlace.ts";
import { capabilities } from "./capabilities.ts";
import { inspectBalance } from "./cluster/balanceSupport.ts";
import { inspectEndpointLimits } from "./cluster/limitsSupport.ts";
import { inspectOutlierDetection } from "./cluster/outlierDetectionSupport.ts";
import { inspectProtocol } from "./cluster/protocolSupport.ts";
import { inspectHttp3 } from "./http3Support.ts";
import { inspectRetry } from "./policies/retrySupport.ts";
import { inspectProxyProtocol } from "./proxyProtocolSupport.ts";
import { regexInstructions, tooLarge } from "./regexSize.ts";
import { inspectTls } from "./tlsSupport.ts";
import { inspectUdp } from "./udpSupport.ts";

/** Of RE2_MAX_PROGRAM_SIZE, and of RE2's own limit of about 87 000; our count is an upper estimate. */
const MAX_REGEX_INSTRUCTIONS = 50_000;

/** Errors and warnings about the fleet's clusters and ports. */
export function inspect(ir: FleetIr): readonly Finding[] {
  return [
    ...inspectBalance(ir.clusters),
    ...inspectPlaces(ir),
    ...inspectEndpointLimits(ir.clusters),
    ...inspectOutlierDetection(ir.clusters),
    ...inspectProtocol(ir),
    ...inspectUdp(ir),
    ...inspectProxyProtocol(ir),
    ...inspectClusterTls(ir),
    ...inspectTls(ir),
    ...inspectHttp3(ir),
  ];
}

/** Errors and warnings about one rule of a virtual host. */
export function inspectRule(rule: RuleIr, host: Pick<VirtualHostIr, "hostnames">): readonly Finding[] {
  const large = largeRegex(rule);
  const isCopied = dependsOnHost(rule) && host.hostnames.some((hostname) => hostname.startsWith("*"));
  const retry = inspectRetry(rule);
  if (large === null && !isCopied) return retry;
  return [...(large === null ? [] : [large]), ...(isCopied ? [copiedHost(rule)] : []), ...retry];
}

function copiedHost(rule: RuleIr): Finding {
  const { code, approximated } = capabilities["route.rules[].redirect.hostname"];
  return {
    code,
    severity: "warning",
    message: `rule ${rule.name} ${approximated}`,
    resource: { kind: "route", name: rule.route },
    pointer: `${rule.pointer}/redirect`,
  };
}

function largeRegex(rule: RuleIr): Finding | null {
  const { path, conditions } = rule;
  if (path.kind !== "regex" && conditions.length === 0) return null;
  const regexes = conditions.filter(({ test }) => test === "regex").map(({ value }) => value);
  if (path.kind === "regex") regexes.push(path.value);
  const size = Math.max(0, ...regexes.map(regexInstructions));
  if (size <= MAX_REGEX_INSTRUCTIONS) return null;
  return {
    code: tooLarge.code,
    severity: "error",
    message: [
      `a regular expression of rule ${rule.name} is too large for Envoy: about ${size} RE2 instructions,`,
      `at most ${MAX_REGEX_INSTRUCTIONS}; use fewer or smaller counted repeats`,
    ].join(" "),
    resource: { kind: "route", name: rule.route },
    pointer: rule.pointer,
  };
}
