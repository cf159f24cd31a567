/** Models of few bytes that amount to much. */

type Item = Readonly<Record<string, unknown>>;
export type Model = Readonly<Record<string, readonly Item[]>>;

export const PROXIES = ["envoy", "nginx", "haproxy"] as const;

export const many = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

/** Matches that a rule may have. */
const MATCHES = 64;
/** So that no route is larger than one resource may be. */
const MATCHES_OF_ROUTE = 1_280;
const RULES_OF_LONG_ROUTE = 20;

/** `count` matches, in as few rules as possible. */
export function rulesOf(
  count: number,
  match: (index: number) => Item,
  more: Item = { respond: { status: 200 } },
): Item[] {
  return many(Math.ceil(count / MATCHES), (rule) => ({
    matches: many(Math.min(MATCHES, count - rule * MATCHES), (index) => match(rule * MATCHES + index)),
    ...more,
  }));
}

/** A fleet of each proxy (`fleets` of them), and listeners that all of them have. */
export function stage(listeners: number, fleets: number = PROXIES.length): Model {
  const all = many(fleets, (index) => ({ name: `f${index}`, proxy: PROXIES[index % PROXIES.length] }));
  const names = all.map(({ name }) => name);
  return {
    fleets: all,
    listeners: many(listeners, (index) => ({
      name: `l${index}`,
      fleets: names,
      port: 20_000 + index,
      protocol: "HTTP",
    })),
  };
}

const names = (count: number): string[] => many(count, (index) => `l${index}`);

/** Hosts that each have a rule of their own and share all others: none is like another. */
export function unequalHosts(hosts: number, matches: number, listeners = 1): Model {
  const hostnames = many(hosts, (index) => `h${index}.example`);
  const own = hostnames.map((hostname, index) => ({
    name: `own${index}`,
    listeners: names(listeners),
    hostnames: [hostname],
    rules: rulesOf(1, () => ({ path: { exact: `/own${index}` } })),
  }));
  const shared = {
    name: "shared",
    listeners: names(listeners),
    hostnames,
    rules: rulesOf(matches, (index) => ({ path: { exact: `/s${index}` } })),
  };
  return { ...stage(listeners), routes: [...own, shared] };
}

/** Routes of their own hostnames, as many as a route may have. */
export function hostnames(routes: number, each: number, listeners = 1): Model {
  return {
    ...stage(listeners),
    routes: many(routes, (route) => ({
      name: `r${route}`,
      listeners: names(listeners),
      hostnames: many(each, (index) => `h${index}.of-${route}.example`),
      rules: rulesOf(1, () => ({ path: { prefix: `/${route}` } })),
    })),
  };
}

/** Paths with conditions, and expressions that each of them may match. */
export function lookups(paths: number, expressions: number): Model {
  const condition = { headers: [{ name: "x-a", exact: "1" }] };
  return {
    ...stage(1),
    routes: [
      {
        name: "paths",
        listeners: ["l0"],
        rules: rulesOf(paths, (index) => ({ path: { exact: `/p${index}` }, ...condition })),
      },
      {
        name: "expressions",
        listeners: ["l0"],
        rules: rulesOf(expressions, (index) => ({ path: { regex: `.*[0-9]${index}?.*` }, ...condition })),
      },
    ],
  };
}

/** Prefixes of prefixes, all with conditions. */
export function nestedPrefixes(depth: number, each: number): Model {
  const match = (index: number): Item => ({
    path: { prefix: "/a".repeat(1 + (index % depth)) },
    headers: [{ name: "x-a", exact: String(index) }],
  });
  const routes = many(Math.ceil((depth * each) / MATCHES_OF_ROUTE), (index) => ({
    name: `nested${index}`,
    listeners: ["l0"],
    rules: rulesOf(Math.min(MATCHES_OF_ROUTE, depth * each - index * MATCHES_OF_ROUTE), (own) =>
      match(index * MATCHES_OF_ROUTE + own),
    ),
  }));
  return { ...stage(1), routes };
}

/** Rules with as much to write as they may have, in many hosts. */
export function longPolicies(hosts: number, routes: number): Model {
  const set = many(7, (index) => ({ name: `x-h${index}`, value: "v".repeat(1024) }));
  const base = unequalHosts(hosts, 1);
  const rule = (path: string): Item => ({
    matches: many(MATCHES, (match) => ({ path: { exact: `${path}/${match}` } })),
    respond: { status: 200, body: path.padEnd(4096, "b") },
    responseHeaders: { set: [{ name: "x-own", value: path }, ...set] },
  });
  const long = many(routes, (route) => ({
    name: `long${route}`,
    listeners: ["l0"],
    hostnames: many(hosts, (index) => `h${index}.example`),
    rules: many(RULES_OF_LONG_ROUTE, (index) => rule(`/${route}/${index}`)),
  }));
  return { ...base, routes: [...(base.routes ?? []), ...long] };
}

/** Many fleets that use the same large clusters. */
export function sharedClusters(fleets: number, clusters: number, endpoints: number): Model {
  const { fleets: all = [] } = stage(1, fleets);
  const listeners = many(Math.ceil(fleets / FLEETS_OF_LISTENER), (index) => ({
    name: `l${index}`,
    fleets: all.slice(index * FLEETS_OF_LISTENER, (index + 1) * FLEETS_OF_LISTENER).map(({ name }) => name),
    port: 20_000,
    protocol: "HTTP",
  }));
  return {
    fleets: all,
    listeners,
    clusters: many(clusters, (index) => ({
      name: `c${index}`,
      endpoints: many(endpoints, (at) => ({
        address: `10.${index >> 8}.${index & 255}.${at & 255}`,
        port: 1000 + (at >> 8),
      })),
    })),
    routes: many(clusters, (index) => ({
      name: `r${index}`,
      listeners: names(listeners.length),
      rules: [{ matches: [{ path: { prefix: `/${index}` } }], split: [{ cluster: `c${index}` }] }],
    })),
  };
}

/** As many as a listener may have. */
const FLEETS_OF_LISTENER = 64;

/** Different expressions, each among the worst to write for PCRE2. */
export function hardExpression(index: number): string {
  return `.*a${index}.*b.*c(x|xy)*d.*[a-f]{3}(foo|fo)*.*`;
}
