/**
 * A fleet's resources. What did not change keeps its object: resources by IR node, and the map of a type when all of its
 * resources are the same as last time.
 */
import type { ClusterIr, FleetIr } from "../../ir/index.ts";
import { due, type Steps } from "../../util/steps.ts";
import type { RenderedResource, RenderedResources } from "../target.ts";
import { renderCluster } from "./cluster.ts";
import { renderListener } from "./listener.ts";
import { renderRouteConfiguration } from "./routeConfiguration.ts";
import { typeUrls } from "./types.ts";

/** Last renderings kept for comparison; a process with more fleets only loses the identity of unchanged maps. */
const MAX_REMEMBERED_FLEETS = 256;

type TypeMap = ReadonlyMap<string, RenderedResource>;

const lastByFleet = new Map<string, RenderedResources>();
const clusterMaps = new WeakMap<readonly ClusterIr[], { clusters: TypeMap; assignments: TypeMap }>();

/** All resources of the fleet, by type: clusters, their endpoints, listeners, route tables. */
export function* render(ir: FleetIr): Steps<RenderedResources> {
  const last = lastByFleet.get(ir.name)?.resources;
  const { clusters, assignments } = yield* renderClusters(ir.clusters, last);
  const routes: RenderedResource[] = [];
  for (const port of ir.ports) if (port.kind === "http") routes.push(yield* renderRouteConfiguration(port));
  const rendered: RenderedResources = {
    kind: "resources",
    resources: new Map([
      [typeUrls.cluster, clusters],
      [typeUrls.assignment, assignments],
      [typeUrls.listener, typeMap(ir.ports.map(renderListener), last?.get(typeUrls.listener))],
      [typeUrls.routes, typeMap(routes, last?.get(typeUrls.routes))],
    ]),
  };
  remember(ir.name, rendered);
  return rendered;
}

function* renderClusters(
  list: readonly ClusterIr[],
  last: RenderedResources["resources"] | undefined,
): Steps<{ clusters: TypeMap; assignments: TypeMap }> {
  let maps = clusterMaps.get(list);
  if (maps === undefined) {
    const clusters: RenderedResource[] = [];
    const assignments: RenderedResource[] = [];
    for (const [index, one] of list.entries()) {
      const { cluster, assignment } = renderCluster(one);
      clusters.push(cluster);
      assignments.push(assignment);
      if (due(index)) yield;
    }
    maps = {
      clusters: typeMap(clusters, last?.get(typeUrls.cluster)),
      assignments: typeMap(assignments, last?.get(typeUrls.assignment)),
    };
    clusterMaps.set(list, maps);
  }
  return maps;
}

/** By name. A resource with the version that it had keeps its object; `last` itself when nothing differs. */
function typeMap(resources: readonly RenderedResource[], last: TypeMap | undefined): TypeMap {
  let same = resources.length === last?.size;
  const next = new Map<string, RenderedResource>();
  for (const resource of resources) {
    const before = last?.get(resource.name);
    const kept = before?.version === resource.version ? before : resource;
    next.set(resource.name, kept);
    same &&= kept === before;
  }
  return same && last !== undefined ? last : next;
}

function remember(fleet: string, rendered: RenderedResources): void {
  lastByFleet.delete(fleet);
  lastByFleet.set(fleet, rendered);
  if (lastByFleet.size <= MAX_REMEMBERED_FLEETS) return;
  for (const oldest of lastByFleet.keys()) {
    lastByFleet.delete(oldest);
    return;
  }
}
