/**
 * A fleet's resources. What did not change keeps its object: resources by IR node, and the map of a type when all of its
 * resources are the same as last time.
 */
import type { ClusterIr, FleetIr } from "../../ir/index.ts";
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
export function render(ir: FleetIr): RenderedResources {
  const last = lastByFleet.get(ir.name)?.resources;
  const { clusters, assignments } = renderClusters(ir.clusters, last);
  const http = ir.ports.filter((port) => port.kind === "http");
  const listeners = typeMap(ir.ports.map(renderListener), last?.get(typeUrls.listener));
  const routes = typeMap(http.map(renderRouteConfiguration), last?.get(typeUrls.routes));
  const rendered: RenderedResources = {
    kind: "resources",
    resources: new Map([
      [typeUrls.cluster, clusters],
      [typeUrls.assignment, assignments],
      [typeUrls.listener, listeners],
      [typeUrls.routes, routes],
    ]),
  };
  remember(ir.name, rendered);
  return rendered;
}

function renderClusters(
  list: readonly ClusterIr[],
  last: RenderedResources["resources"] | undefined,
): { clusters: TypeMap; assignments: TypeMap } {
  let maps = clusterMaps.get(list);
  if (maps === undefined) {
    const rendered = list.map(renderCluster);
    maps = {
      clusters: typeMap(
        rendered.map(({ cluster }) => cluster),
        last?.get(typeUrls.cluster),
      ),
      assignments: typeMap(
        rendered.map(({ assignment }) => assignment),
        last?.get(typeUrls.assignment),
      ),
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
