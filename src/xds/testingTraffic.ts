/**
 * For tests: what a proxy serves, changed at random. However it changes, each path is served by somebody: a path without a route of
 * its own by the cluster that takes all others. So every request that fails is one that was lost.
 */
import type { Endpoint } from "./testingEnvoy.ts";
import type { Random } from "./testingRandom.ts";

/** How many paths may have routes of their own. */
const PATHS = 6;
/** Clusters that no route names. */
const MAX_UNUSED = 6;
const MAX_WEIGHT = 10;

/** What a cluster is made of. */
export interface ClusterPlan {
  readonly timeoutSeconds: number;
  readonly endpoints: readonly Endpoint[];
}

/** What is served now. */
export interface Traffic {
  /** By name. */
  readonly clusters: ReadonlyMap<string, ClusterPlan>;
  /** Cluster by path; the last one, `/`, takes all others. */
  readonly routes: ReadonlyMap<string, string>;
  /** Of the listener: the name of its routes, and something in its filter beside. */
  readonly routeName: string;
  readonly filter: string;
  /** Changes it; says how, and whether that is of clusters and routes, not of endpoints alone. */
  change(): { readonly text: string; readonly isDeep: boolean };
  /** The ports that may answer. */
  portsOf(path: string): readonly number[];
}

/** All paths that may have a route: `/p0/Who`, … */
export const paths: readonly string[] = Array.from({ length: PATHS }, (_, index) => `/p${index}/Who`);
const prefixOf = (path: string): string => path.slice(0, path.lastIndexOf("/") + 1);
const prefixes = paths.map(prefixOf);

/** One cluster takes everything. `ports`: of backends. */
export function createTraffic(ports: readonly number[], random: Random): Traffic {
  const clusters = new Map<string, ClusterPlan>();
  const routes = new Map<string, string>();
  let count = 0;
  let routeName = "web";
  let filter = "web";

  const pick = <T>(list: readonly T[]): T => list[random(list.length)]!;
  const isUsed = (name: string): boolean => [...routes.values()].includes(name);
  const unused = (): string[] => [...clusters.keys()].filter((name) => !isUsed(name));

  function someEndpoints(): Endpoint[] {
    const chosen = ports.filter(() => random(2) === 0);
    const list = chosen.length === 0 ? [pick(ports)] : chosen;
    return list.map((port) => ({ port, weight: 1 + random(MAX_WEIGHT) }));
  }

  function addCluster(): string {
    count += 1;
    const name = `c${count}`;
    clusters.set(name, { timeoutSeconds: 1, endpoints: someEndpoints() });
    return name;
  }

  /** The cluster that was named goes with its last route. */
  function lead(prefix: string, to: string | null): void {
    const before = routes.get(prefix);
    if (to === null) routes.delete(prefix);
    else routes.set(prefix, to);
    if (before !== undefined && !isUsed(before)) clusters.delete(before);
  }

  const changes: Record<string, () => void> = {
    endpoints() {
      const name = pick([...clusters.keys()]);
      clusters.set(name, { ...clusters.get(name)!, endpoints: someEndpoints() });
    },
    "cluster and route": () => lead(pick(prefixes), addCluster()),
    "route away": () => lead(pick(prefixes), null),
    "all others": () => lead("/", addCluster()),
    "routes swapped"() {
      const [one, two] = [pick([...routes.keys()]), pick([...routes.keys()])];
      const [first, second] = [routes.get(one)!, routes.get(two)!];
      routes.set(one, second);
      routes.set(two, first);
    },
    "route to a cluster that is there": () => lead(pick(prefixes), pick([...clusters.keys()])),
    "cluster changed"() {
      const name = pick([...clusters.keys()]);
      const plan = clusters.get(name)!;
      clusters.set(name, { ...plan, timeoutSeconds: 1 + (plan.timeoutSeconds % 5) });
    },
    "routes renamed"() {
      count += 1;
      routeName = `web-${count}`;
    },
    "filter changed"() {
      count += 1;
      filter = `web-${count}`;
    },
    "unused cluster"() {
      const list = unused();
      if (list.length < MAX_UNUSED && random(2) === 0) addCluster();
      else if (list.length > 0) clusters.delete(pick(list));
    },
  };
  const kinds = Object.keys(changes);
  routes.set("/", addCluster());

  return {
    clusters,
    routes,
    get routeName() {
      return routeName;
    },
    get filter() {
      return filter;
    },
    change() {
      const chosen = Array.from({ length: 1 + random(3) }, () => pick(kinds));
      for (const kind of chosen) changes[kind]!();
      return { text: chosen.join(", "), isDeep: chosen.some((kind) => kind !== "endpoints") };
    },
    portsOf(path) {
      const name = routes.get(prefixOf(path)) ?? routes.get("/")!;
      return clusters.get(name)!.endpoints.map(({ port }) => port);
    },
  };
}
