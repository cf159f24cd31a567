/** Checks that no single field can express: sizes, combinations. */
import { type FleetIr, passedBy, type RuleIr } from "../../ir/index.ts";
import { inspectDrains } from "../drainTimeout.ts";
import { backtrackingRegexes } from "../regexFindings.ts";
import type { Finding } from "../target.ts";
import { inspectLimit } from "./connectionLimit.ts";
import { inspectCallMatches, inspectGrpcHeaders } from "./grpcHeaders.ts";
import { inspectHttp2 } from "./http2.ts";
import { inspectHttp3 } from "./http3Support.ts";
import { inspectRetry, inspectTries } from "./policies/retry.ts";
import { inspectProcess } from "./process.ts";
import { coarseShares, isCoarse } from "./splits.ts";
import { inspectTls } from "./tlsSupport.ts";
import { inspectUdp } from "./udpSupport.ts";
import { groupCount, inspectAffinity } from "./upstream/affinity.ts";
import { oneTimeoutPerPort } from "./upstream/capabilities.ts";
import { inspectHealthChecks } from "./upstream/healthCheck.ts";
import { inspectLimits } from "./upstream/limits.ts";
import { inspectOutlierDetection } from "./upstream/outlierDetection.ts";
import { inspectPriorities } from "./upstream/priority.ts";
import { inspectProtocol } from "./upstream/protocol.ts";
import { inspectProxyProtocol } from "./upstream/proxyProtocol.ts";
import { inspectClusterTls } from "./upstream/tlsSupport.ts";

/** `proxy_pass` with a variable walks the upstream groups: 3 000 of them cost about 30 us per request. */
const MANY_CLUSTERS = 2000;

/** Errors and warnings about a fleet as a whole. */
export function inspectNginx(ir: FleetIr): readonly Finding[] {
  const found: Finding[] = [...inspectHealthChecks(ir), ...inspectProcess(ir)];
  const groups = ir.clusters.length + groupCount(ir.clusters);
  if (groups > MANY_CLUSTERS) {
    found.push({
      code: "L7-SCALE",
      severity: "warning",
      message: `${groups} clusters and endpoints with affinity: nginx looks upstreams of splits, rewrites, encoded paths and affinity up one by one, about ${Math.round(groups / 100)} us per request`,
      resource: { kind: "fleet", name: ir.name },
      pointer: "",
    });
  }
  const timeouts = new Map(ir.clusters.map(({ name, connectTimeoutMs }) => [name, connectTimeoutMs]));
  for (const port of ir.ports) {
    if (port.kind === "http" && port.passed === null) found.push(...inspectLimit(port));
    if (port.kind === "udp" && isCoarse(port.split)) found.push({ ...coarse(port.id), pointer: "" });
    for (const { split } of passedBy(port)) {
      const distinct = new Set(split.map(({ cluster }) => timeouts.get(cluster)));
      if (distinct.size > 1) {
        found.push({
          code: oneTimeoutPerPort.code,
          severity: "warning",
          message: `${port.id}: nginx has one connect timeout for a TCP port; the longest of its clusters' holds for all`,
          pointer: "",
        });
      }
      if (isCoarse(split)) found.push({ ...coarse(port.id), pointer: "" });
    }
  }
  return [
    ...found,
    ...inspectPriorities(ir),
    ...inspectLimits(ir),
    ...inspectDrains(ir),
    ...inspectOutlierDetection(ir.clusters),
    ...inspectAffinity(ir.clusters),
    ...inspectUdp(ir),
    ...inspectTries(ir),
    ...inspectProtocol(ir),
    ...inspectProxyProtocol(ir),
    ...inspectTls(ir),
    ...inspectClusterTls(ir),
    ...inspectHttp2(ir),
    ...inspectHttp3(ir),
    ...inspectCallMatches(ir),
  ];
}

/** Expressions that nginx cannot match safely, and shares that it can only come near to. */
export function inspectNginxRule(rule: RuleIr): readonly Finding[] {
  return [
    ...backtrackingRegexes(rule, "nginx"),
    ...inspectSplit(rule),
    ...inspectRetry(rule),
    ...inspectGrpcHeaders(rule),
  ];
}

function inspectSplit({ id, route, pointer, action }: RuleIr): readonly Finding[] {
  if (action.kind !== "forward" || action.split.length < 2 || !isCoarse(action.split)) return NONE;
  return [{ ...coarse(`rule ${id}`), resource: { kind: "route", name: route }, pointer: `${pointer}/split` }];
}

const NONE: readonly Finding[] = [];

function coarse(what: string) {
  const message = `${what}: nginx ${coarseShares.approximated}`;
  return { code: coarseShares.code, severity: "warning" as const, message };
}
