/** What all targets say of TLS to endpoints: this file loads fast. */
import type { ClusterIr, ClusterTlsIr, FleetIr, JsonValue } from "../ir/index.ts";
import { type Capabilities, type Finding, foundByInspection, type Support } from "./target.ts";

const overUdp = {
  refused: "cannot be done over UDP: TLS is for connections; give the UDP listener a cluster without `tls`",
  code: "TLS-UDP",
  when: foundByInspection,
} as const satisfies Support;

/** Of `subjectAltNames`, for proxies that compare one name, which is the one that they ask for. */
export const otherNames = {
  refused:
    "cannot be compared: the proxy compares one DNS name without a wildcard, which is `serverName` where there is one; write that name alone, or serve the cluster with Envoy",
  code: "TLS-SUBJECT-NAMES",
  when: foundByInspection,
} as const satisfies Support;

/** What a target says that has nothing of its own to say. */
export const clusterTlsCapabilities = {
  "cluster.tls.serverName": [overUdp],
  "cluster.tls.authority": "exact",
  "cluster.tls.subjectAltNames[]": "exact",
  "cluster.tls.clientCertificate": "exact",
  "cluster.tls.minVersion": "exact",
  "cluster.tls.maxVersion": "exact",
  "cluster.tls.insecure": [overUdp],
} as const satisfies Partial<Capabilities>;

/** Errors about clusters with TLS that are reached by UDP. */
export function inspectClusterTls({ clusters, ports }: FleetIr): readonly Finding[] {
  const secured = clusters.filter(({ tls }) => tls !== null);
  // Ports are looked at for these only.
  if (secured.length === 0) return [];
  const byUdp = new Set(ports.flatMap((port) => (port.kind === "udp" ? port.split.map(({ cluster }) => cluster) : [])));
  return secured.filter(({ name }) => byUdp.has(name)).map(({ name }) => clusterTlsFinding(name, overUdp));
}

/** Whether an entry of `subjectAltNames` is no URI. */
export function isDnsName(value: JsonValue): boolean {
  return !String(value).includes("://");
}

/** Errors about clusters whose endpoints may have names that a proxy which compares one cannot compare. */
export function inspectNames(clusters: readonly ClusterIr[]): readonly Finding[] {
  return clusters
    .filter(({ tls }) => tls !== null && tls.verification !== null && comparedName(tls) === null)
    .map(({ name }) => clusterTlsFinding(name, otherNames, "subjectAltNames"));
}

/** The one name that a certificate has to have, for proxies that compare it with what they ask for; null: there is none such. */
export function comparedName({ serverName, verification }: ClusterTlsIr): string | null {
  const [only, ...others] = verification?.names ?? [];
  if (only === undefined || others.length > 0 || only.kind !== "dns" || only.value.startsWith("*.")) return null;
  return serverName === null || serverName === only.value ? only.value : null;
}

/** The same, of a cluster that the gate has let through. */
export function verifiedName(tls: ClusterTlsIr): string {
  const name = comparedName(tls);
  if (name === null) throw new Error("a certificate may have several names");
  return name;
}

/** An error about a cluster's TLS, or a field of it. */
export function clusterTlsFinding(
  name: string,
  { code, refused }: { readonly code: string; readonly refused: string },
  field?: "subjectAltNames",
): Finding {
  const [what, pointer] = field === undefined ? ["tls", "/tls"] : [`tls.${field}`, `/tls/${field}`];
  return {
    code,
    severity: "error",
    message: `cluster ${name}: \`${what}\` ${refused}`,
    resource: { kind: "cluster", name },
    pointer,
  };
}
