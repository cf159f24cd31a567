/** Clusters as upstream groups, and the shared memory in which nginx's workers keep their state. */
import type { ClusterIr, EndpointIr } from "../../../ir/index.ts";
import { mapSteps, type Steps } from "../../../util/steps.ts";
import { block, joinBlocks } from "../blocks.ts";
import { hostAndPort } from "../hostAndPort.ts";
import { word } from "../quote.ts";
import { sessionUpstream } from "../udp.ts";
import type { Block } from "../views.ts";
import { groupName, groupServers, namedEndpoints } from "./affinity.ts";
import { balanceView, IN_TURN } from "./balance.ts";
import { failuresOf, onceMore } from "./outlierDetection.ts";
import { isDown } from "./state.ts";
import type { UpstreamContext, UpstreamView } from "./views.ts";

/** Idle connections per worker and cluster: enough for steady reuse, little enough for thousands of clusters. */
const KEEPALIVE = 32;
/** Shared memory of one peer (about 0.5 KiB of structures, name and address, rounded up by the slab) and of one group. */
const ZONE_BYTES_PER_ENDPOINT = 2048;
const ZONE_BYTES_PER_CLUSTER = 4096;
/** nginx refuses a zone under eight pages. */
const ZONE_MIN_BYTES = 64 * 1024;
/** Sizes in steps, so that adding an endpoint does not change the line. */
const ZONE_STEP_BYTES = 256 * 1024;

/** What is kept of a fleet's clusters from one rendering to the next. */
export interface UpstreamMemory extends Readonly<Record<UpstreamContext, Kept>> {
  /** Groups of endpoints that cookies name. */
  readonly groups: WeakMap<ClusterIr, Block>;
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
  clusters: readonly ClusterIr[],
  context: UpstreamContext,
  memory: UpstreamMemory,
): Steps<readonly Block[]> {
  let bytes = ZONE_MIN_BYTES;
  for (const cluster of clusters) {
    const servers = cluster.endpoints.length + onceMore(cluster).length;
    bytes += ZONE_BYTES_PER_CLUSTER + ZONE_BYTES_PER_ENDPOINT * Math.max(1, servers);
  }
  for (const cluster of context === "http" ? clusters : []) {
    for (const endpoint of namedEndpoints(cluster))
      bytes += ZONE_BYTES_PER_CLUSTER + ZONE_BYTES_PER_ENDPOINT * groupServers(cluster, endpoint).length;
  }
  const size = word(`${(Math.ceil(bytes / ZONE_STEP_BYTES) * ZONE_STEP_BYTES) / 1024}k`);
  const own = yield* mapSteps(clusters, (cluster, index) => {
    const zoneSize = index === 0 ? size : null;
    const kept = memory[context];
    const old = kept.get(cluster);
    if (old !== undefined && old.zoneSize === (zoneSize?.text ?? null)) return old.block;
    const made = block("upstream", lowerUpstream(cluster, { context, zoneSize }));
    kept.set(cluster, { zoneSize: zoneSize?.text ?? null, block: made });
    return made;
  });
  if (context !== "http") return own;
  // Behind all clusters: nginx looks both up from the first one on.
  const affine = clusters.filter(({ affinity }) => affinity !== null);
  return [...own, ...(yield* mapSteps(affine, (cluster) => groupsOf(cluster, memory)))];
}

function groupsOf(cluster: ClusterIr, { groups }: UpstreamMemory): Block {
  const old = groups.get(cluster);
  if (old !== undefined) return old;
  const made = joinBlocks(namedEndpoints(cluster).map((endpoint) => block("upstream", groupView(cluster, endpoint))));
  groups.set(cluster, made);
  return made;
}

function groupView(cluster: ClusterIr, own: EndpointIr): UpstreamView {
  return {
    ...IN_TURN,
    name: word(groupName(cluster, own)),
    zone: word("http_upstreams"),
    zoneSize: null,
    endpoints: groupServers(cluster, own).map(({ endpoint, weight, backup }) =>
      serverView(endpoint, { weight, backup }),
    ),
    keepalive: word(KEEPALIVE),
  };
}

function serverView(
  { address, port }: EndpointIr,
  { weight, backup }: { readonly weight: number; readonly backup: boolean },
): UpstreamView["endpoints"][number] {
  return {
    address: word(hostAndPort(address, port)),
    weight: weight === 1 ? null : word(weight),
    failures: null,
    backup,
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
  return {
    name: word(isHashed ? sessionUpstream(cluster.name) : cluster.name),
    zone: word(`${context}_upstreams`),
    zoneSize,
    ...balanceView(cluster, context),
    endpoints: [
      ...cluster.endpoints.map((endpoint) => ({
        ...serverView(endpoint, { weight: endpoint.weight, backup: endpoint.priority > 0 }),
        failures: failures(endpoint),
        down: isDown(endpoint),
      })),
      ...more.map((endpoint) => serverView(endpoint, { weight: endpoint.weight, backup: true })),
    ],
    keepalive: context === "http" ? word(KEEPALIVE) : null,
  };
}
