/** Limits of clusters that several proxies answer alike. */
import { type ClusterIr, type FleetIr, type PortIr, passedBy, type SplitIr } from "../ir/index.ts";
import { type Finding, foundByInspection, type Support } from "./target.ts";

/** Of every limit; only the fleet shows who reaches a cluster. */
export const countedOnce = {
  refused:
    "is counted in one place: a cluster with limits is reached by HTTP alone, by one TCP listener, or by one TLS route whose names all have the same certificates, never by UDP; write a second cluster for the other",
  code: "LIMIT-PLACES",
  when: foundByInspection,
} as const satisfies Support;

/**
 * Errors about clusters with limits that are reached by HTTP and TCP, or by several TCP ports, which proxies would count apart, or by
 * UDP, which has no connections to count.
 */
export function inspectPlaces(ir: FleetIr): readonly Finding[] {
  const byTcp = limitedByTcp(ir);
  const byUdp = limitedBy(ir, (port) => (port.kind === "udp" ? [port.split] : []));
  if (byTcp.size === 0 && byUdp.size === 0) return [];
  const byHttp = httpClusters(ir);
  const apart = [...byTcp].filter(([name, ports]) => ports > 1 || byHttp.has(name)).map(([name]) => name);
  return [...new Set([...apart, ...byUdp.keys()])].map((name) => limitFinding(countedOnce, name, "/limits"));
}

/** Clusters with limits that TCP ports or TLS routes reach, and how many of these. */
export function limitedByTcp(ir: FleetIr): ReadonlyMap<string, number> {
  return limitedBy(ir, (port) => passedBy(port).map(({ split }) => split));
}

function limitedBy(
  { clusters, ports }: FleetIr,
  splitsOf: (port: PortIr) => readonly SplitIr[],
): ReadonlyMap<string, number> {
  const limited = new Set(clusters.filter(({ limits }) => limits !== null).map(({ name }) => name));
  const found = new Map<string, number>();
  if (limited.size === 0) return found;
  for (const port of ports) {
    for (const { cluster } of splitsOf(port).flat())
      if (limited.has(cluster)) found.set(cluster, (found.get(cluster) ?? 0) + 1);
  }
  return found;
}

function httpClusters({ ports }: FleetIr): ReadonlySet<string> {
  const found = new Set<string>();
  for (const port of ports) {
    if (port.kind !== "http") continue;
    for (const { rules } of port.virtualHosts) {
      for (const { action } of rules) {
        if (action.kind === "forward") for (const { cluster } of action.split) found.add(cluster);
      }
    }
  }
  return found;
}

/** What a table's entry says, of a cluster's limit. */
export function limitFinding(
  support: { readonly code: string } & ({ readonly refused: string } | { readonly approximated: string }),
  cluster: ClusterIr["name"],
  pointer: string,
): Finding {
  const isRefused = "refused" in support;
  return {
    code: support.code,
    severity: isRefused ? "error" : "warning",
    message: `cluster ${cluster}: \`${pointer.slice(1).replace("/", ".")}\` ${isRefused ? support.refused : support.approximated}`,
    resource: { kind: "cluster", name: cluster },
    pointer,
  };
}
