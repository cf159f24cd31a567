/** Models that take one or two of the schema's limits to the full: the longest values, the longest lists, in the worst characters. */
import type { Document } from "./arbitrary/names.ts";

type Item = Record<string, unknown>;

const many = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

/** `count` characters, of a few that proxies' languages give a meaning to. */
const filled = (start: string, characters: string, length: number): string =>
  start + characters.repeat(Math.ceil(length / characters.length)).slice(0, length - start.length);

const NAME = filled("n", "a-b", 63).replace(/-$/, "x");
const HEADER = filled("X-", "Ab-1", 127);
const longValue = (length: number): string => filled("v", `"\\'$\{}#;%[]() ,`, length - 1).concat("v");
const VALUE = longValue(1024);
const PATH = filled("/", "a/%20$&'()*+,;=:@~!", 1024).replace(/%(?:.?)$/, "xx");
const HOSTNAME = `${many(4, (index) => String(index).padEnd(62, "h")).join(".")}`.slice(0, 253);
const REGEX = filled("/", "[a-c]{1,2}\\.x?/", 510).replace(/[\\[{(?,-][^/]*$/, "");

/** What is changed of the model: its first route, listener or cluster. */
interface Parts {
  readonly route: Item & { rules: Item[] };
  readonly rule: Item;
  /** Of the rule's only match. */
  readonly match: Item;
  readonly cluster: Item;
  readonly listener: Item;
  readonly document: Document;
}

const header = (index: number, test: Item): Item => ({
  name: `${index}-${HEADER}`.replace(/^/, "X").slice(0, 127),
  ...test,
});
const shortName = (index: number): string => `X${index}-${HEADER}`.slice(0, 60);
const push = (parts: Parts, ...rules: Item[]): unknown => parts.route.rules.push(...rules);
const ok: Item = { respond: { status: 200 } };

/** By name; each is applied to a fresh model. */
export const STRETCHES: Readonly<Record<string, (parts: Parts) => unknown>> = {
  "a name of 63 characters": ({ route, rule, cluster, listener, document }) => {
    for (const { listeners } of document.routes as Item[]) (listeners as string[])[0] = NAME;
    listener.name = NAME;
    route.name = NAME;
    rule.name = NAME;
    cluster.name = NAME;
    for (const each of document.routes as unknown as { rules: Item[] }[])
      for (const one of each.rules) if (one.split !== undefined) one.split = [{ cluster: NAME }];
  },
  "a hostname of 253 characters": ({ route }) =>
    Object.assign(route, { hostnames: [HOSTNAME, `*.${HOSTNAME.slice(2)}`] }),
  "256 hostnames": ({ route }) =>
    Object.assign(route, { hostnames: many(256, (index) => `${index}.${HOSTNAME.slice(0, 120)}`) }),
  "256 rules": (parts) =>
    push(parts, ...many(255, (index) => ({ matches: [{ path: { exact: `/${index}` } }], ...ok }))),
  "64 matches": ({ rule }) =>
    Object.assign(rule, { matches: many(64, (index) => ({ path: { prefix: `/m${index}` } })) }),
  "256 rules of 64 matches": (parts) =>
    push(
      parts,
      ...many(255, (rule) => ({ matches: many(64, (index) => ({ path: { exact: `/${rule}/${index}` } })), ...ok })),
    ),
  "a prefix of 1024 characters": ({ match }) => Object.assign(match, { path: { prefix: PATH } }),
  "an exact path of 1024 characters": ({ match }) => Object.assign(match, { path: { exact: PATH } }),
  "an expression of 512 characters": ({ match }) => Object.assign(match, { path: { regex: REGEX } }),
  "a deep prefix": (parts) =>
    push(
      parts,
      ...many(254, (index) => ({ matches: [{ path: { prefix: "/a".repeat(index + 1) }, method: "GET" }], ...ok })),
    ),
  "16 header values of 1024 characters": ({ match }) =>
    Object.assign(match, { headers: many(16, (index) => header(index, { exact: VALUE })) }),
  "16 header expressions": ({ match }) =>
    Object.assign(match, { headers: many(16, (index) => header(index, { regex: REGEX })) }),
  "16 query parameters": ({ match }) =>
    Object.assign(match, {
      query: many(16, (index) => ({ name: `${index}`.padEnd(127, "q"), exact: filled("q", "'()*$;/?@", 1024) })),
    }),
  "16 cookies": ({ match }) =>
    Object.assign(match, {
      cookies: many(16, (index) => ({ name: `${index}`.padEnd(127, "c"), exact: filled("c", "#$%&'()*+{}|~`", 1024) })),
    }),
  "64 ranges": ({ match }) =>
    Object.assign(match, {
      source: many(64, (index) => `2001:db8:${(index * 1023).toString(16)}::/${33 + (index % 90)}`),
    }),
  "16 labels of 10000 ranges": ({ match, document }) => {
    const labels = many(16, (index) => filled(String.fromCharCode(97 + index), "...", 62).concat("x"));
    const entries = many(10_000, (index) => ({
      cidr: `10.${index >> 8}.${index & 255}.0/${index < 9_000 ? 24 : 28}`,
      label: labels[index % 16],
    }));
    document.geoTables = [{ name: NAME, entries, defaultLabel: labels[0] }];
    Object.assign(match, { geo: { table: NAME, labels } });
  },
  "16 zones near clients": ({ cluster, document }) => {
    const zones = many(16, (index) => filled(String.fromCharCode(97 + index), "/._", 62).concat("x"));
    document.geoTables = [
      { name: NAME, entries: zones.map((label, index) => ({ cidr: `10.${index}.0.0/16`, label })) },
    ];
    Object.assign(cluster, {
      endpoints: zones.map((zone, index) => ({ address: `10.0.0.${index + 1}`, port: 80, zone })),
      locality: { preferLocal: { table: NAME } },
    });
  },
  // All that a rule sets and adds has a bound (MODEL-HEADER-SIZE): seven of the longest, or more that are shorter.
  "7 request header values of 1024 characters": ({ rule }) =>
    Object.assign(rule, { requestHeaders: { set: many(7, (index) => ({ ...header(index, {}), value: VALUE })) } }),
  "32 request headers": ({ rule }) =>
    Object.assign(rule, {
      requestHeaders: { set: many(32, (index) => ({ ...header(index, {}), value: longValue(120) })) },
    }),
  "32 response headers, set and added": ({ rule }) =>
    Object.assign(rule, {
      responseHeaders: {
        set: many(32, (index) => ({ name: shortName(index), value: longValue(60) })),
        add: many(32, (index) => ({ name: shortName(index + 32), value: longValue(60) })),
        remove: many(32, (index) => header(index + 64, {}).name),
      },
    }),
  "an answer of 4096 characters": (parts) =>
    push(parts, {
      matches: [{ path: { exact: "/body" } }],
      respond: {
        status: 200,
        body: filled("b", `"\\'\${}#;%\n\té`, 4096),
        contentType: `${"a".repeat(63)}/${"b".repeat(63)}`,
      },
    }),
  "a redirect of 1024 characters": (parts) =>
    push(parts, {
      matches: [{ path: { prefix: "/redirect" } }],
      redirect: { hostname: HOSTNAME, path: { full: PATH }, status: 308, scheme: "https", port: 65_535 },
    }),
  "a rewrite of 1024 characters": ({ rule }) =>
    Object.assign(rule, { rewrite: { path: { prefix: PATH }, hostname: HOSTNAME } }),
  "the longest times": ({ rule, cluster }) => {
    rule.timeouts = { request: "1h", idle: "1h" };
    cluster.timeouts = { connect: "1h" };
  },
  "1000 endpoints": ({ cluster }) =>
    Object.assign(cluster, {
      endpoints: many(1000, (index) => ({
        address: `2001:db8:ffff:ffff:ffff:ffff:ffff:${index.toString(16)}`,
        port: 65_535,
        weight: 1 + (index % 256),
      })),
    }),
  "a split of every weight": ({ rule, document }) => {
    const clusters = many(30, (index) => ({ name: `c${index}`.padEnd(63, "c"), endpoints: [] }));
    (document.clusters as Item[]).push(...clusters);
    rule.split = clusters.slice(0, 16).map(({ name }, index) => ({ cluster: name, weight: 1000 - index }));
  },
  "64 listeners": ({ route, document }) => {
    const listeners = many(63, (index) => ({
      ...(document.listeners as Item[])[0],
      name: `l${index}`,
      port: 20_000 + index,
    }));
    (document.listeners as Item[]).push(...listeners);
    route.listeners = (document.listeners as Item[]).map(({ name }) => name);
  },
  "a thousand values of one field": (parts) =>
    push(
      parts,
      ...many(20, (rule) => ({
        matches: many(50, (index) => ({ headers: [{ name: "x-customer", exact: `${rule}-${index}` }] })),
        ...ok,
      })),
    ),
};

/** A small model with the stretches, in the order in which they are given. */
export function stretched(proxy: string, names: readonly string[]): Document {
  const match: Item = { path: { prefix: "/app" } };
  const rule: Item = { matches: [match], split: [{ cluster: "c" }] };
  const route = { name: "r", listeners: ["l"], rules: [rule] };
  const cluster: Item = { name: "c", endpoints: [{ address: "127.0.0.1", port: 9000 }] };
  const listener: Item = { name: "l", fleets: ["f"], port: 18_080, protocol: "HTTP" };
  const document = {
    fleets: [{ name: "f", proxy }],
    listeners: [listener],
    routes: [route],
    clusters: [cluster],
  } as unknown as Document;
  for (const name of names) STRETCHES[name]?.({ route, rule, match, cluster, listener, document });
  return document;
}
