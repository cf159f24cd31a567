/** What is said of the protocol of endpoints without rendering it: this file loads fast. */
import type { ClusterIr, FleetIr, RuleIr } from "../../../ir/index.ts";
import { limitFinding } from "../../clusterLimits.ts";
import { type Finding, foundByInspection, type Support } from "../../target.ts";

/** Of a split with clusters of both protocols. */
export const noWebSocket = {
  approximated:
    "makes Envoy answer WebSocket requests of the whole rule with 403 where a rule has clusters of both protocols; the other proxies " +
    "those whose draw it is",
  code: "L7-WEBSOCKET-SPLIT-ENVOY",
  when: foundByInspection,
} as const satisfies Support;

/** Of `limits.maxPending`. */
export const waitsForNothing = {
  refused:
    "cannot be done with `protocol: http2`: requests share a connection, and Envoy lets none wait for room on an endpoint",
  code: "LIMIT-QUEUE-HTTP2-ENVOY",
  when: foundByInspection,
} as const satisfies Support;

/** Of `healthCheck`: Envoy asks that a cluster with a gRPC check can speak HTTP/2, and then says so of requests too. */
export const asItCame = {
  approximated:
    "of type grpc makes Envoy forward requests that came over HTTP/2 over HTTP/2, although the cluster's `protocol` is http1",
  code: "HC-GRPC-PROTOCOL-ENVOY",
  when: foundByInspection,
} as const satisfies Support;

/** What Envoy says of `protocol` of clusters. */
export const protocolCapabilities = {
  "cluster.protocol": noWebSocket,
} as const satisfies Readonly<Record<string, Support>>;

/** Errors and warnings about clusters that speak HTTP/2, or may. */
export function inspectProtocol(ir: FleetIr): readonly Finding[] {
  return [...ofHttp2(ir), ...ofGrpcChecks(ir)];
}

function ofGrpcChecks({ clusters, ports }: FleetIr): readonly Finding[] {
  if (!ports.some((port) => port.kind === "http" && port.http2 !== "off")) return [];
  return clusters
    .filter(({ protocol, healthCheck }) => protocol === "http1" && healthCheck?.kind === "grpc")
    .map(({ name }) => limitFinding(asItCame, name, "/healthCheck"));
}

function ofHttp2({ clusters, ports }: FleetIr): readonly Finding[] {
  const http2 = new Set(clusters.filter(({ protocol }) => protocol === "http2").map(({ name }) => name));
  // Rules are looked at for these only.
  if (http2.size === 0) return [];
  const waiting = clusters.filter(({ name, limits }) => http2.has(name) && (limits?.queue ?? null) !== null);
  const found = new Map<string, Finding>();
  for (const port of ports) {
    if (port.kind !== "http") continue;
    for (const { rules } of port.virtualHosts) {
      for (const rule of rules) if (isMixed(rule, http2)) found.set(`${rule.route} ${rule.pointer}`, mixed(rule));
    }
  }
  return [
    ...waiting.map(({ name }: ClusterIr) => limitFinding(waitsForNothing, name, "/limits/maxPending")),
    ...found.values(),
  ];
}

function isMixed({ action }: RuleIr, http2: ReadonlySet<string>): boolean {
  if (action.kind !== "forward") return false;
  const { split } = action;
  return split.some(({ cluster }) => http2.has(cluster)) && !split.every(({ cluster }) => http2.has(cluster));
}

function mixed({ name, route, pointer }: RuleIr): Finding {
  const { code, approximated } = noWebSocket;
  const message = `rule ${name}: \`protocol\` of a cluster ${approximated}`;
  return { code, severity: "warning", message, resource: { kind: "route", name: route }, pointer: `${pointer}/split` };
}
