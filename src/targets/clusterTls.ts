/** What all targets say of TLS to endpoints: this file loads fast. */
import type { FleetIr } from "../ir/index.ts";
import { type Capabilities, type Finding, foundByInspection, type Support } from "./target.ts";

const overUdp = {
  refused: "cannot be done over UDP: TLS is for connections; give the UDP listener a cluster without `tls`",
  code: "TLS-UDP",
  when: foundByInspection,
} as const satisfies Support;

const grpcChecked = {
  refused: "cannot be done beside a health check of type grpc yet; use type http or tcp, or leave the check off",
  code: "TLS-GRPC-CHECK",
  when: foundByInspection,
} as const satisfies Support;

const overHttp2 = {
  refused:
    "cannot be made for `protocol: http2` and calls of gRPC yet; use `protocol: http1`, or reach these endpoints in the clear",
  code: "TLS-HTTP2",
  when: foundByInspection,
} as const satisfies Support;

/** Other names than the one that is asked for. */
const otherNames = {
  refused: "is not written for any proxy yet: certificates have to have `serverName`",
  code: "TLS-NOT-YET",
} as const satisfies Support;

/** What a target says that has nothing of its own to say. */
export const clusterTlsCapabilities = {
  "cluster.tls.serverName": [overUdp, grpcChecked, overHttp2],
  "cluster.tls.authority": "exact",
  "cluster.tls.subjectAltNames[]": otherNames,
  "cluster.tls.clientCertificate": "exact",
  "cluster.tls.minVersion": "exact",
  "cluster.tls.maxVersion": "exact",
  "cluster.tls.insecure": [overUdp, grpcChecked, overHttp2],
} as const satisfies Partial<Capabilities>;

/** Errors about clusters with TLS that are reached, or probed, in a way that has none. */
export function inspectClusterTls({ clusters, ports, healthChecks, proxy }: FleetIr): readonly Finding[] {
  const secured = clusters.filter(({ tls }) => tls !== null);
  // Ports are looked at for these only.
  if (secured.length === 0) return [];
  const byUdp = new Set(ports.flatMap((port) => (port.kind === "udp" ? port.split.map(({ cluster }) => cluster) : [])));
  const called = clustersOfCalls(ports);
  const probes = proxy !== "nginx" || healthChecks === "agent";
  return secured.flatMap(({ name, healthCheck, protocol }) => [
    ...(byUdp.has(name) ? [clusterTlsFinding(name, overUdp)] : []),
    ...(protocol === "http2" || called.has(name) ? [clusterTlsFinding(name, overHttp2)] : []),
    ...(probes && healthCheck?.kind === "grpc" ? [clusterTlsFinding(name, grpcChecked)] : []),
  ]);
}

/** To which rules of gRPC forward. */
function clustersOfCalls(ports: FleetIr["ports"]): ReadonlySet<string> {
  const found = new Set<string>();
  for (const port of ports) {
    if (port.kind !== "http") continue;
    for (const { action, protocol } of port.virtualHosts.flatMap(({ rules }) => rules))
      if (protocol === "grpc" && action.kind === "forward") for (const { cluster } of action.split) found.add(cluster);
  }
  return found;
}

/** An error about a cluster's TLS. */
export function clusterTlsFinding(
  name: string,
  { code, refused }: { readonly code: string; readonly refused: string },
): Finding {
  return {
    code,
    severity: "error",
    message: `cluster ${name}: \`tls\` ${refused}`,
    resource: { kind: "cluster", name },
    pointer: "/tls",
  };
}
