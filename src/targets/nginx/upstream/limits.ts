/** Limits of a cluster: connections of a server, and shared memory in which all workers count requests and TCP connections. */
import type { ClusterIr, ConnectionLimitIr, FleetIr, SplitIr } from "../../../ir/index.ts";
import { countedOnce, inspectPlaces, limitFinding } from "../../clusterLimits.ts";
import { type Finding, foundByInspection, type Support } from "../../target.ts";
import { block, joinBlocks } from "../blocks.ts";
import { tooLarge, ZONE_OF_ALL } from "../connectionLimit.ts";
import { underscored } from "../names.ts";
import { comment, mapEntries, mapEntry, mapKey, param, type Variable, variable, word } from "../quote.ts";
import type { Block } from "../views.ts";
import { onceMore } from "./outlierDetection.ts";

const noQueue = {
  refused: "cannot be done: nginx has no queue for endpoints that are full",
  code: "QUEUE-NGINX",
} as const satisfies Support;

const spillsToBackups = {
  refused:
    "cannot be done beside backups: nginx sends them what is too much for the primaries, the other proxies do not; " +
    "with `outlierDetection` each endpoint may have itself as a backup",
  code: "LIMIT-BACKUP-NGINX",
  when: foundByInspection,
} as const satisfies Support;

const countedForEachGroup = {
  refused:
    "cannot be done beside `affinity`: nginx needs a group of servers for each endpoint, and each would count apart",
  code: "LIMIT-AFFINITY-NGINX",
  when: foundByInspection,
} as const satisfies Support;

/** What nginx says of the leaves of `limits`. */
export const limitsCapabilities = {
  "cluster.limits.maxConnectionsPerEndpoint": [spillsToBackups, countedForEachGroup, countedOnce],
  "cluster.limits.maxConnections": [tooLarge, countedOnce],
  "cluster.limits.maxRequests": [tooLarge, countedOnce],
  "cluster.limits.maxPending": noQueue,
  "cluster.limits.queueTimeout": noQueue,
} as const satisfies Readonly<Record<string, Support>>;

/** What only the cluster as a whole, or the fleet, shows. */
export function inspectLimits(ir: FleetIr): readonly Finding[] {
  return [
    ...inspectPlaces(ir),
    ...ir.clusters
      .filter(({ limits }) => limits !== null && limits.connectionsPerEndpoint !== null)
      .flatMap((cluster) =>
        [
          ...(hasBackups(cluster) ? [spillsToBackups] : []),
          ...(cluster.affinity === null ? [] : [countedForEachGroup]),
        ].map((support) => limitFinding(support, cluster.name, "/limits/maxConnectionsPerEndpoint")),
      ),
  ];
}

function hasBackups(cluster: ClusterIr): boolean {
  return cluster.endpoints.some(({ priority }) => priority > 0) || onceMore(cluster).length > 0;
}

/** By cluster: so many requests at a time. The others have no limit. */
export type Limited = ReadonlyMap<string, number>;

/** Of HTTP. */
export function requestLimits(clusters: readonly ClusterIr[]): Limited {
  return new Map(clusters.flatMap(({ name, limits }) => (limits?.requests == null ? [] : [[name, limits.requests]])));
}

/** Of TCP. */
export function connectionLimits(clusters: readonly ClusterIr[]): Limited {
  return new Map(
    clusters.flatMap(({ name, limits }) => (limits?.connections == null ? [] : [[name, limits.connections]])),
  );
}

/** Where a cluster's requests are counted, in front of its group. Null: they are not. */
export function requestsZone({ name, limits }: ClusterIr): Block | null {
  if (limits === null || limits.requests === null) return null;
  return block("limitZone", { key: param("all"), zone: word(`requests_${name}:${ZONE_OF_ALL}`) });
}

/** What a location says that forwards to the cluster: with one limit of its own it forgets the server's, so it repeats them. */
export function requestLimitLines(
  cluster: string,
  { limited, listener, connectionLimit: { max, perSource } }: LimitPlace,
): readonly Block[] {
  const own = limited.get(cluster);
  if (own === undefined) return [];
  const line = (zone: string, count: number): Block => block("ownLimit", { zone: word(zone), max: word(count) });
  return [
    ...(max === null ? [] : [line(`max_${listener}`, max)]),
    ...(perSource === null ? [] : [line(`source_${listener}`, perSource)]),
    line(`requests_${cluster}`, own),
  ];
}

/** Where a rule forwards. */
export interface LimitPlace {
  readonly limited: Limited;
  readonly listener: string;
  readonly connectionLimit: ConnectionLimitIr;
}

/** A TCP port's zones, in front of its server, and its lines there. Null: its clusters have no limit. */
export function streamLimits(
  split: SplitIr,
  { limited, drawn }: { readonly limited: Limited; readonly drawn: Variable | null },
): { readonly zones: Block; readonly lines: Block } | null {
  const zones: Block[] = [];
  const lines: Block[] = [];
  for (const { cluster } of split) {
    const max = limited.get(cluster);
    if (max === undefined) continue;
    const zone = `connections_${cluster}`;
    const own = variable(`connects_${underscored(cluster)}`);
    // A connection that was drawn for another cluster has no key, and does not count.
    if (drawn !== null) {
      const entries = mapEntries([mapEntry(mapKey(cluster), param("all"))]);
      zones.push(
        block("map", { comment: comment(cluster), source: param(drawn), name: own, entries, fallback: param("") }),
      );
    }
    zones.push(block("limitZone", { key: param(drawn === null ? "all" : own), zone: word(`${zone}:${ZONE_OF_ALL}`) }));
    lines.push(block("limit", { zone: word(zone), max: word(max) }));
  }
  return zones.length === 0 ? null : { zones: joinBlocks(zones), lines: joinBlocks(lines) };
}
