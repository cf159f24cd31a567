/** Groups of servers in which one endpoint serves while it can: for clients whose cookie names it. */
import { type ClusterIr, CONNECT_TRIES, type EndpointIr, isActive } from "../../../ir/index.ts";
import { mapSteps, type Steps } from "../../../util/steps.ts";
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

/** nginx knows two levels only, and the second one is for all others: so its backups get next to nothing while a primary serves. */
const PRIMARY_FACTOR = 256;

/** Indexes of endpoints that may take over, by level; levels and indexes ascending. */
type Levels = readonly (readonly number[])[];

/** For each endpoint that a cookie may name a cluster in which it serves alone, and others are its backups. */
export function* endpointGroups(cluster: ClusterIr): Steps<readonly ClusterIr[]> {
  const { endpoints } = cluster;
  const levels = [...new Set(endpoints.map(({ priority }) => priority))]
    .sort((a, b) => a - b)
    .map((priority) => [...endpoints.keys()].filter((index) => isAt(endpoints[index], priority)));
  return yield* mapSteps(namedEndpoints(cluster), (own) => groupOf(cluster, levels, endpoints.indexOf(own)));
}

function isAt(endpoint: EndpointIr | undefined, priority: number): boolean {
  return endpoint !== undefined && isActive(endpoint) && endpoint.priority === priority;
}

function groupOf(cluster: ClusterIr, levels: Levels, at: number): ClusterIr {
  const own = cluster.endpoints[at] as EndpointIr;
  const [primaries = [], backups = []] = levels
    .map((level) => after(level, at).map((index) => cluster.endpoints[index] as EndpointIr))
    .filter((level) => level.length > 0);
  const factor = backups.length > 0 ? PRIMARY_FACTOR : 1;
  return {
    ...cluster,
    name: groupName(cluster, own),
    balance: { policy: "roundRobin" },
    // Its requests are counted as those of the cluster.
    limits: null,
    endpoints: [
      { ...own, weight: 1, state: "active", priority: 0 },
      ...primaries.map((endpoint) => ({ ...endpoint, weight: endpoint.weight * factor, priority: 1 })),
      // Two backups beside one primary of weight 1 get one request in 129.
      ...backups.slice(0, CONNECT_TRIES - 1).map((endpoint) => ({ ...endpoint, weight: 1, priority: 1 })),
    ],
  };
}

/** Those of the level that come next, from the first one on again behind the last. */
function after(level: readonly number[], at: number): readonly number[] {
  const next = level.findIndex((index) => index > at);
  const found: number[] = [];
  for (let step = 0; step < level.length && found.length < MAX_OTHERS; step++) {
    const index = level[(Math.max(0, next) + step) % level.length] as number;
    if (index !== at) found.push(index);
  }
  return found;
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
