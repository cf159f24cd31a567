/** Clusters as upstream groups, and the shared memory in which nginx's workers keep their state. */
import type { ClusterIr, FleetIr } from "../../../ir/index.ts";
import { mapSteps, type Steps } from "../../../util/steps.ts";
import { block } from "../blocks.ts";
import { hostAndPort } from "../hostAndPort.ts";
import { word } from "../quote.ts";
import type { Block } from "../views.ts";
import { balanceView } from "./balance.ts";
import { isProbed } from "./probes.ts";
import { isDown } from "./state.ts";
import type { UpstreamView } from "./views.ts";

/** Idle connections per worker and cluster: enough for steady reuse, little enough for thousands of clusters. */
const KEEPALIVE = 32;
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
export interface UpstreamMemory {
  readonly http: Kept;
  readonly stream: Kept;
}

type Kept = WeakMap<ClusterIr, { readonly zoneSize: string | null; readonly block: Block }>;

/** Nothing is known yet. */
export function createUpstreamMemory(): UpstreamMemory {
  return { http: new WeakMap(), stream: new WeakMap() };
}

/**
 * The upstream groups of one context, each rendered once. All share one zone: without a zone each worker would balance for
 * itself, and a zone for each cluster would cost 64 KiB for each.
 */
export function* lowerUpstreams(
  fleet: Pick<FleetIr, "clusters" | "healthChecks">,
  context: keyof UpstreamMemory,
  memory: UpstreamMemory,
): Steps<UpstreamGroups> {
  const { clusters } = fleet;
  let bytes = ZONE_MIN_BYTES;
  for (const { endpoints } of clusters) {
    bytes += ZONE_BYTES_PER_CLUSTER + ZONE_BYTES_PER_ENDPOINT * Math.max(1, endpoints.length);
  }
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
  const probed = new Set(blocks.filter((_, index) => isProbed(fleet, clusters[index] as ClusterIr)));
  return { plain: blocks.filter((each) => !probed.has(each)), probed: [...probed] };
}

function lowerUpstream(
  cluster: ClusterIr,
  { context, zoneSize }: { context: keyof UpstreamMemory; zoneSize: UpstreamView["zoneSize"] },
): UpstreamView {
  return {
    name: word(cluster.name),
    zone: word(`${context}_upstreams`),
    zoneSize,
    ...balanceView(cluster, context),
    endpoints: cluster.endpoints.map((endpoint) => ({
      address: word(hostAndPort(endpoint.address, endpoint.port)),
      weight: endpoint.weight === 1 ? null : word(endpoint.weight),
      backup: endpoint.priority > 0,
      down: isDown(endpoint),
    })),
    keepalive: context === "http" ? word(KEEPALIVE) : null,
  };
}
