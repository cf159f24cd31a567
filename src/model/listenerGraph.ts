/** Which listeners requests can reach over endpoints that are listeners of the model themselves. */
import { canonicalAddress, isUnspecified } from "./addresses.ts";
import { boundAddress } from "./boundAddress.ts";
import type { Resource, Snapshot } from "./types.ts";

/** A socket of a fleet's proxies. */
export interface Place {
  readonly fleet: string;
  readonly address: string;
  readonly port: number;
  /** UDP has ports of its own. */
  readonly isUdp: boolean;
  /** Names of the listeners that share it. */
  readonly listeners: string[];
}

/** An entry of a route's split over which a request comes back to the place that took it. */
export interface Loop {
  readonly from: Place;
  /** In the route. */
  readonly pointer: string;
  readonly cluster: string;
  readonly endpoint: number;
  /** What the endpoint is. */
  readonly place: Place;
}

/**
 * sure: by endpoints that are the listener wherever the proxies run. possible: also by loopback addresses of another fleet, whose
 * proxies may run on the same machine.
 */
export type Sureness = "sure" | "possible";

export interface ListenerGraph {
  /** At most one for each entry of a split. What rules say of hosts and paths is not looked at. */
  readonly loopsOf: (route: Resource<"route">) => Iterable<Loop>;
}

/** Of one model. Endpoints are looked at once for each cluster; the port of nearly all is nobody's. */
export function createListenerGraph(snapshot: Snapshot, sureness: Sureness): ListenerGraph {
  const { byPort, byListener } = placesOf(snapshot);
  const placesOfRoute = ({ body }: Resource<"route">): Place[] =>
    body.listeners.flatMap((name) => byListener.get(name) ?? []);
  const candidates = new Map<string, readonly Candidate[]>();
  const behind = function* (from: Place, cluster: string): Iterable<Candidate> {
    const all = candidates.get(cluster) ?? candidatesOf(snapshot.cluster.get(cluster), byPort);
    candidates.set(cluster, all);
    for (const each of all) {
      if (each.place.isUdp !== from.isUdp) continue;
      if (!each.isLocal || each.place.fleet === from.fleet || sureness === "possible") yield each;
    }
  };
  /** Clusters that a place's routes name; made when first asked for, which is in few models. */
  let clusters: ReadonlyMap<Place, ReadonlySet<string>> | null = null;
  const reached = new Map<Place, ReadonlySet<Place>>();
  const reachedFrom = (place: Place): ReadonlySet<Place> => {
    const known = reached.get(place);
    if (known !== undefined) return known;
    clusters ??= clustersByPlace(snapshot, placesOfRoute);
    const found = new Set([place]);
    // A set's loop also takes what is added meanwhile.
    for (const here of found)
      for (const cluster of clusters.get(here) ?? []) for (const next of behind(here, cluster)) found.add(next.place);
    reached.set(place, found);
    return found;
  };
  return {
    *loopsOf(route) {
      const places = placesOfRoute(route);
      for (const [pointer, cluster] of targetsOf(route)) {
        const loop = firstLoop(places, (from) => behind(from, cluster), reachedFrom);
        if (loop !== null) yield { ...loop, pointer, cluster };
      }
    },
  };
}

/** An endpoint that can be a place's. */
interface Candidate {
  readonly endpoint: number;
  readonly place: Place;
  /** By a loopback address: the machine of whoever connects to it. */
  readonly isLocal: boolean;
}

function firstLoop(
  places: readonly Place[],
  behind: (from: Place) => Iterable<Candidate>,
  reachedFrom: (place: Place) => ReadonlySet<Place>,
): Pick<Loop, "from" | "endpoint" | "place"> | null {
  for (const from of places)
    for (const { endpoint, place } of behind(from)) if (reachedFrom(place).has(from)) return { from, endpoint, place };
  return null;
}

function placesOf(snapshot: Snapshot) {
  const byPort = new Map<number, Place[]>();
  const byListener = new Map<string, Place[]>();
  for (const { name, body } of snapshot.listener.values()) {
    const own: Place[] = [];
    for (const fleet of body.fleets) {
      const address = boundAddress(body, snapshot.fleet.get(fleet)?.body);
      const others = byPort.get(body.port) ?? [];
      const isUdp = body.protocol === "UDP";
      const shared = others.find((each) => each.fleet === fleet && each.address === address && each.isUdp === isUdp);
      const place = shared ?? { fleet, address, port: body.port, isUdp, listeners: [] };
      place.listeners.push(name);
      own.push(place);
      if (shared === undefined) byPort.set(body.port, [...others, place]);
    }
    byListener.set(name, own);
  }
  return { byPort, byListener };
}

function candidatesOf(
  cluster: Resource<"cluster"> | undefined,
  byPort: ReadonlyMap<number, readonly Place[]>,
): Candidate[] {
  const found: Candidate[] = [];
  for (const [endpoint, { address, port }] of (cluster?.body.endpoints ?? []).entries()) {
    for (const place of byPort.get(port) ?? []) {
      const own = canonicalAddress(address);
      const isLocal = own === "::1" || own.startsWith("127.");
      const isWide = isUnspecified(place.address) && place.address.includes(":") === own.includes(":");
      if (own === place.address || (isLocal && isWide)) found.push({ endpoint, place, isLocal });
    }
  }
  return found;
}

/** Of a route: pointer and name of each cluster in its splits. */
function* targetsOf({ body }: Resource<"route">): Iterable<readonly [pointer: string, cluster: string]> {
  for (const [rule, { split = [] }] of body.rules.entries())
    for (const [index, { cluster }] of split.entries()) yield [`/rules/${rule}/split/${index}/cluster`, cluster];
}

function clustersByPlace(snapshot: Snapshot, placesOfRoute: (route: Resource<"route">) => readonly Place[]) {
  const found = new Map<Place, Set<string>>();
  for (const route of snapshot.route.values()) {
    for (const place of placesOfRoute(route)) {
      const own = found.get(place) ?? new Set();
      for (const [, cluster] of targetsOf(route)) own.add(cluster);
      found.set(place, own);
    }
  }
  return found;
}
