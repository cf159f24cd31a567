/** Clusters as upstream groups, and the shared memory in which nginx's workers keep their state. */
import type { ClusterIr, EndpointIr, FleetIr } from "../../../ir/index.ts";
import { mapSteps, type Steps } from "../../../util/steps.ts";
import { block, joinBlocks } from "../blocks.ts";
import { hostAndPort } from "../hostAndPort.ts";
import { word } from "../quote.ts";
import { sessionUpstream } from "../udpSupport.ts";
import type { Block } from "../views.ts";
import { endpointGroups } from "./affinity.ts";
import { balanceView } from "./balance.ts";
import { requestsZone } from "./limits.ts";
import { failuresOf, onceMore } from "./outlierDetection.ts";
import { poolView } from "./pool.ts";
import { isProbed } from "./probes.ts";
import { isDown } from "./state.ts";
import type { UpstreamContext, UpstreamView } from "./views.ts";

/** Shared memory of one peer (about 0.5 KiB of structures, name and address, rounded up by the slab) and of one group. */
const ZONE_BYTES_PER_ENDPOINT = 2048;
const ZONE_BYTES_PER_CLUSTER = 4096;
/** nginx refuses a zone under eight pages. */
const ZONE_MIN_BYTES = 64 * 1024;
/** Sizes in steps, so that adding an endpoint does not change the line. */
const ZONE_STEP_BYTES = 256 * 1024;

/** The upstream groups of one context. */
export interface UpstreamGroups {
  readonly plain: readonly Block[];
  /** Whose endpoints the agent probes. */
  readonly probed: readonly Block[];
}

/** What is kept of a fleet's clusters from one rendering to the next. */
export interface UpstreamMemory extends Readonly<Record<UpstreamContext, Kept>> {
  /** Groups of endpoints that cookies name. */
  readonly groups: WeakMap<ClusterIr, Groups>;
}

/** A cluster's, one after the other, and the shared memory that they need. */
interface Groups {
  readonly block: Block;
  readonly bytes: number;
}

type Kept = WeakMap<ClusterIr, { readonly zoneSize: string | null; readonly block: Block }>;

/** Nothing is known yet. */
export function createUpstreamMemory(): UpstreamMemory {
  return { http: new WeakMap(), stream: new WeakMap(), sessions: new WeakMap(), groups: new WeakMap() };
}

/**
 * The upstream groups of one context, each rendered once. All share one zone: without a zone each worker would balance for
 * itself, and a zone for each cluster would cost 64 KiB for each.
 */
export function* lowerUpstreams(
  fleet: Pick<FleetIr, "clusters" | "healthChecks">,
  context: UpstreamContext,
  memory: UpstreamMemory,
): Steps<UpstreamGroups> {
  const { clusters } = fleet;
  const ofEndpoints = new Map<ClusterIr, Groups>();
  for (const cluster of context === "http" ? clusters : []) {
    if (cluster.affinity !== null) ofEndpoints.set(cluster, yield* groupsOf(cluster, memory));
  }
  let bytes = ZONE_MIN_BYTES;
  for (const cluster of clusters) bytes += zoneBytes(cluster);
  for (const own of ofEndpoints.values()) bytes += own.bytes;
  const size = word(`${(Math.ceil(bytes / ZONE_STEP_BYTES) * ZONE_STEP_BYTES) / 1024}k`);
  const blocks = yield* mapSteps(clusters, (cluster, index) => {
    const zoneSize = index === 0 ? size : null;
    const kept = memory[context];
    const old = kept.get(cluster);
    if (old !== undefined && old.zoneSize === (zoneSize?.text ?? null)) return old.block;
    const made = block("upstream", lowerUpstream(cluster, { context, zoneSize }));
    kept.set(cluster, { zoneSize: zoneSize?.text ?? null, block: made });
    return made;
  });
  const [plain, probed]: [Block[], Block[]] = [[], []];
  const put = (cluster: ClusterIr, made: Block): number => (isProbed(fleet, cluster) ? probed : plain).push(made);
  for (const [index, cluster] of clusters.entries()) put(cluster, blocks[index] as Block);
  // Behind all clusters: nginx looks both up from the first one on.
  for (const [cluster, { block: made }] of ofEndpoints) put(cluster, made);
  return { plain, probed };
}

function* groupsOf(cluster: ClusterIr, { groups }: UpstreamMemory): Steps<Groups> {
  const old = groups.get(cluster);
  if (old !== undefined) return old;
  const all = yield* endpointGroups(cluster);
  const blocks = yield* mapSteps(all, (group) =>
    block("upstream", lowerUpstream(group, { context: "http", zoneSize: null })),
  );
  const bytes = all.reduce((sum, group) => sum + zoneBytes(group), 0);
  const made = { block: joinBlocks(blocks), bytes };
  groups.set(cluster, made);
  return made;
}

function zoneBytes(cluster: ClusterIr): number {
  const servers = cluster.endpoints.length + onceMore(cluster).length;
  return ZONE_BYTES_PER_CLUSTER + ZONE_BYTES_PER_ENDPOINT * Math.max(1, servers);
}

function serverView({ address, port, weight, priority }: EndpointIr): UpstreamView["endpoints"][number] {
  return {
    address: word(hostAndPort(address, port)),
    weight: weight === 1 ? null : word(weight),
    failures: null,
    maxConnections: null,
    backup: priority > 0,
    down: false,
  };
}

function lowerUpstream(
  cluster: ClusterIr,
  { context, zoneSize }: { context: UpstreamContext; zoneSize: UpstreamView["zoneSize"] },
): UpstreamView {
  // Sessions are hashed, which knows no backups, and an endpoint that does not answer has not failed.
  const isHashed = context === "sessions";
  const failures = isHashed ? () => null : failuresOf(cluster);
  const more = isHashed ? [] : onceMore(cluster);
  const perEndpoint = cluster.limits?.connectionsPerEndpoint ?? null;
  return {
    name: word(isHashed ? sessionUpstream(cluster.name) : cluster.name),
    zone: word(`${context}_upstreams`),
    zoneSize,
    ...balanceView(cluster, context),
    limitZone: context === "http" ? requestsZone(cluster) : null,
    endpoints: [
      ...cluster.endpoints.map((endpoint) => ({
        ...serverView(endpoint),
        failures: failures(endpoint),
        maxConnections: perEndpoint === null ? null : word(perEndpoint),
        down: isDown(endpoint),
      })),
      ...more.map((endpoint) => ({ ...serverView(endpoint), backup: true })),
    ],
    pool: context === "http" ? poolView(cluster.pool) : null,
  };
}
