/** Groups of servers in which one endpoint serves while it can: for clients whose cookie names it. */
import { type ClusterIr, CONNECT_TRIES, type EndpointIr, isActive } from "../../../ir/index.ts";
import { type Finding, foundByInspection, type Support } from "../../target.ts";

/** Endpoints of a fleet that cookies may name: 72 MB of memory, and 30 us for a request that has to find the last (docs/affinity.md). */
const MAX_NAMED_ENDPOINTS = 2_000;

const tooMany = {
  refused: `is at most for ${MAX_NAMED_ENDPOINTS} endpoints of a fleet: nginx needs a group of servers for each`,
  code: "STICKY-SCALE-NGINX",
  when: foundByInspection,
} as const satisfies Support;

/** What nginx says of the leaves of `affinity`. */
export const affinityCapabilities = {
  "cluster.affinity.cookie.name": tooMany,
} as const satisfies Readonly<Record<string, Support>>;

/** Endpoints that a cookie of this cluster may name: none that is down. */
export function namedEndpoints({ affinity, endpoints }: ClusterIr): readonly EndpointIr[] {
  return affinity === null ? [] : endpoints.filter(({ state }) => state !== "down");
}

/** No cluster has a dot in its name, and no two addresses become one. */
export function groupName({ name }: ClusterIr, { address, port }: EndpointIr): string {
  return `${name}.${address.replaceAll(":", "-")}-${port}`;
}

/** Who takes over from an endpoint that fails: the next ones, so that a large cluster's groups do not list all of it. */
const MAX_OTHERS = 8;

/** A server of a group. */
export interface GroupServer {
  readonly endpoint: EndpointIr;
  readonly weight: number;
  readonly backup: boolean;
}

/** nginx knows two levels only, and the second one is for all others: so its backups get next to nothing while a primary serves. */
const PRIMARY_FACTOR = 256;

/** The endpoint, then those that come after it in the cluster, of the best level first. */
export function groupServers({ endpoints }: ClusterIr, own: EndpointIr): readonly GroupServer[] {
  const at = endpoints.indexOf(own);
  const after = [...endpoints.slice(at + 1), ...endpoints.slice(0, at)].filter(isActive);
  const best = Math.min(...after.map(({ priority }) => priority));
  const primaries = after.filter(({ priority }) => priority === best).slice(0, MAX_OTHERS);
  const backups = after.filter(({ priority }) => priority > best).slice(0, CONNECT_TRIES - 1);
  const factor = backups.length > 0 ? PRIMARY_FACTOR : 1;
  return [
    { endpoint: own, weight: 1, backup: false },
    // Two backups beside one primary of weight 1 get one request in 129.
    ...primaries.map((endpoint) => ({ endpoint, weight: endpoint.weight * factor, backup: true })),
    ...backups.map((endpoint) => ({ endpoint, weight: 1, backup: true })),
  ];
}

/** How many groups these clusters need. */
export function groupCount(clusters: readonly ClusterIr[]): number {
  return clusters.reduce((sum, cluster) => sum + namedEndpoints(cluster).length, 0);
}

/** An error when there are too many; it names the largest cluster. */
export function inspectAffinity(clusters: readonly ClusterIr[]): readonly Finding[] {
  const count = groupCount(clusters);
  if (count <= MAX_NAMED_ENDPOINTS) return [];
  const size = (cluster: ClusterIr): number => namedEndpoints(cluster).length;
  const largest = clusters.reduce((one, other) => (size(other) > size(one) ? other : one));
  return [
    {
      code: tooMany.code,
      severity: "error",
      message: [
        `affinity ${tooMany.refused}, and there are ${count};`,
        `leave it off the largest clusters (${largest.name} has ${size(largest)}) or split the fleet`,
      ].join(" "),
      resource: { kind: "cluster", name: largest.name },
      pointer: "/affinity/cookie/name",
    },
  ];
}
