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
  const last = lastByFleet.get(ir.name);
  const { clusters, assignments } = renderClusters(ir.clusters);
  const listeners = new Map<string, RenderedResource>();
  const routes = new Map<string, RenderedResource>();
  for (const port of ir.ports) {
    listeners.set(port.id, renderListener(port));
    if (port.kind === "http") routes.set(port.id, renderRouteConfiguration(port));
  }
  const resources = new Map([
    [typeUrls.cluster, clusters],
    [typeUrls.assignment, assignments],
    [typeUrls.listener, listeners],
    [typeUrls.routes, routes],
  ]);
  const rendered: RenderedResources = { kind: "resources", resources: keepUnchanged(resources, last) };
  remember(ir.name, rendered);
  return rendered;
}

function renderClusters(list: readonly ClusterIr[]): { clusters: TypeMap; assignments: TypeMap } {
  const known = clusterMaps.get(list);
  if (known !== undefined) return known;
  const clusters = new Map<string, RenderedResource>();
  const assignments = new Map<string, RenderedResource>();
  for (const cluster of list) {
    const rendered = renderCluster(cluster);
    clusters.set(cluster.name, rendered.cluster);
    assignments.set(cluster.name, rendered.assignment);
  }
  const maps = { clusters, assignments };
  clusterMaps.set(list, maps);
  return maps;
}

function keepUnchanged(next: ReadonlyMap<string, TypeMap>, last: RenderedResources | undefined): Map<string, TypeMap> {
  const kept = new Map<string, TypeMap>();
  for (const [typeUrl, map] of next) kept.set(typeUrl, keepUnchangedType(map, last?.resources.get(typeUrl)));
  return kept;
}

function keepUnchangedType(next: TypeMap, last: TypeMap | undefined): TypeMap {
  if (last === undefined || last === next) return next;
  let same = next.size === last.size;
  const kept = new Map<string, RenderedResource>();
  for (const [name, resource] of next) {
    const before = last.get(name);
    const unchanged = before !== undefined && before.version === resource.version;
    kept.set(name, unchanged ? before : resource);
    same &&= unchanged;
  }
  return same ? last : kept;
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
