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

/** Other names than the one that is asked for. */
const otherNames = {
  refused: "is not written for any proxy yet: certificates have to have `serverName`",
  code: "TLS-NOT-YET",
} as const satisfies Support;

/** What a target says that has nothing of its own to say. */
export const clusterTlsCapabilities = {
  "cluster.tls.serverName": [overUdp, grpcChecked],
  "cluster.tls.authority": "exact",
  "cluster.tls.subjectAltNames[]": otherNames,
  "cluster.tls.clientCertificate": "exact",
  "cluster.tls.minVersion": "exact",
  "cluster.tls.maxVersion": "exact",
  "cluster.tls.insecure": [overUdp, grpcChecked],
} as const satisfies Partial<Capabilities>;

/** Errors about clusters with TLS that are reached, or probed, in a way that has none. */
export function inspectClusterTls({ clusters, ports, healthChecks, proxy }: FleetIr): readonly Finding[] {
  const secured = clusters.filter(({ tls }) => tls !== null);
  // Ports are looked at for these only.
  if (secured.length === 0) return [];
  const byUdp = new Set(ports.flatMap((port) => (port.kind === "udp" ? port.split.map(({ cluster }) => cluster) : [])));
  const probes = proxy !== "nginx" || healthChecks === "agent";
  return secured.flatMap(({ name, healthCheck }) => [
    ...(byUdp.has(name) ? [clusterTlsFinding(name, overUdp)] : []),
    ...(probes && healthCheck?.kind === "grpc" ? [clusterTlsFinding(name, grpcChecked)] : []),
  ]);
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
