/** Random valid models for property tests: small name spaces, so that references meet and precedence is contested. */
import fc from "fast-check";
import {
  applyChanges,
  type Change,
  checkSnapshot,
  collections,
  emptySnapshot,
  type Resource,
  validateConfig,
} from "../model/index.ts";

/** Text that tries to break out of whatever it is written into. */
const NASTY = [
  '"; }',
  "';\n",
  "$host",
  "${dollar}",
  "%[src]",
  "%REQ(:path)%",
  "%%",
  "\\",
  "\\1",
  '"',
  "'",
  "#",
  "{{x}}",
  "`id`",
  " -m reg .* ",
  "é",
  "\t",
];

const printable = fc.string({
  unit: fc.constantFrom(..."abcXYZ019 \"'\\$%#{};()[]|*+?.,:/=-_~`<>&!@^"),
  minLength: 1,
  maxLength: 40,
});
const ascii = fc.oneof(printable, fc.constantFrom(...NASTY.filter((text) => /^[\x20-\x7e]+$/.test(text))));

const headerValue = ascii.map((text) => text.trim()).filter((text) => text !== "");
const bodyText = fc
  .array(fc.oneof(printable, fc.constantFrom(...NASTY)), { maxLength: 8 })
  .map((parts) => parts.join(""));
const headerName = fc.constantFrom("X-Env", "x-version", "X-User", "Accept-Language", "x-a");
const segment = fc.constantFrom(
  "a",
  "b",
  "api",
  "v1",
  "A",
  "~x",
  "a.b",
  "c;d",
  "e=f",
  "%20",
  "$",
  "'",
  "(x)",
  "*",
  "@",
  "!",
);
const path = fc.array(segment, { maxLength: 4 }).map((parts) => `/${parts.join("/")}`);
const regex = fc.constantFrom(
  "/u/[0-9]+",
  "/u/\\d{1,3}(?:/.*)?",
  "/[a-z]+",
  "/(a|b)/.*",
  "/x{2,3}",
  '/\\$"[^;}]*',
  "/a b\\{\\}",
  ".*",
  "/v[12]/#?.*",
  "/'.*%",
);
const hostname = fc.constantFrom(
  "a.example.com",
  "b.example.com",
  "*.example.com",
  "*.b.example.com",
  "Example.org",
  "_x.example.org",
  "*.org",
);
const clusterNames = ["one", "two", "three", "empty"];
const cluster = fc.constantFrom("one", "two", ...clusterNames);
const duration = fc.constantFrom("1ms", "250ms", "3s", "1m30s", "24h");

const optional = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined });
const few = <T>(value: fc.Arbitrary<T>, max: number): fc.Arbitrary<T[]> =>
  fc.array(value, { minLength: 1, maxLength: max });

const headerMatch = fc.oneof(
  fc.record({ name: headerName, exact: headerValue }),
  fc.record({ name: headerName, regex: fc.constantFrom("[0-9]+", "can.*", "\\w+ \\w+", 'a"b', ".*'.*") }),
  fc.record({ name: headerName, present: fc.constant(true) }),
  fc.record({ name: headerName, absent: fc.constant(true) }),
);

const pathMatch = fc.oneof(
  fc.record({ exact: path }),
  fc.record({ prefix: path }),
  fc.record({ prefix: path }),
  fc.record({ regex }),
);

const match = fc.record({
  path: optional(pathMatch),
  method: optional(fc.constantFrom("GET", "POST", "PUT", "DELETE", "HEAD")),
  headers: optional(few(headerMatch, 3)),
});

const headerChanges = fc.record({
  set: optional(
    fc.uniqueArray(fc.record({ name: fc.constantFrom("X-Set", "X-Set2"), value: headerValue }), {
      selector: ({ name }) => name,
      maxLength: 2,
    }),
  ),
  add: optional(few(fc.record({ name: fc.constantFrom("X-Add", "x-add2"), value: headerValue }), 2)),
  remove: optional(fc.uniqueArray(fc.constantFrom("X-Gone", "X-Gone2"), { maxLength: 2 })),
});

const split = fc.uniqueArray(fc.record({ cluster, weight: optional(fc.integer({ min: 0, max: 1000 })) }), {
  selector: (entry) => entry.cluster,
  minLength: 1,
  maxLength: 3,
});

const forward = fc.record({
  split,
  rewrite: optional(fc.record({ path: fc.record({ prefix: path }) })),
  requestHeaders: optional(headerChanges),
  timeouts: optional(fc.record({ request: optional(duration), idle: optional(duration) })),
});

const answer = fc.oneof(
  fc.record({
    redirect: fc.record({
      scheme: optional(fc.constantFrom("http", "https")),
      hostname: optional(fc.constantFrom("new.example.net", "n")),
      port: optional(fc.constantFrom(80, 443, 8443)),
      path: optional(fc.oneof(fc.record({ full: path }), fc.record({ prefix: path }))),
      status: optional(fc.constantFrom(301, 302, 303, 307, 308)),
    }),
  }),
  fc.record({
    respond: fc.record({
      status: fc.constantFrom(200, 201, 204, 205, 304, 404, 418, 502, 503, 599),
      body: optional(bodyText),
      contentType: optional(fc.constantFrom("application/json", "text/html; charset=utf-8")),
    }),
  }),
);

/** Of a forward there is most to see. */
const action = fc.oneof({ weight: 3, arbitrary: forward }, { weight: 2, arbitrary: answer });

const rule = fc
  .tuple(action, fc.record({ matches: optional(few(match, 3)), responseHeaders: optional(headerChanges) }))
  .map(([one, rest]) => ({ ...rest, ...one }));

const fleet = fc.record({
  proxy: fc.constantFrom("envoy", "nginx", "haproxy"),
});

const routes = fc.array(
  fc.record({
    listeners: fc.constantFrom(["web"], ["web", "narrow"]),
    hostnames: optional(few(hostname, 3)),
    rules: few(rule, 4),
  }),
  { maxLength: 8 },
);

const clusters = fc.tuple(
  ...clusterNames.map((name) =>
    fc.record({
      name: fc.constant(name),
      endpoints:
        name === "empty"
          ? fc.constant([])
          : fc.uniqueArray(
              fc.record({
                address: fc.constantFrom("127.0.0.1", "10.1.2.3", "::1"),
                port: fc.integer({ min: 1, max: 65535 }),
                weight: optional(fc.integer({ min: 0, max: 256 })),
              }),
              { selector: ({ address, port }) => `${address} ${port}`, maxLength: 4 },
            ),
      balance: optional(fc.record({ policy: fc.constantFrom("roundRobin", "leastRequest") })),
      timeouts: optional(fc.record({ connect: duration })),
    }),
  ),
);

/** JSON without undefined members. */
function plain<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

/** A document that passes shape and rules: parts that clash by chance are left out, never the whole. */
export const arbitraryModel: fc.Arbitrary<Record<string, object[]>> = fc
  .tuple(routes, clusters, optional(split), fleet)
  .map(([drawn, clusterList, tcpSplit]) => {
    const base: Record<string, object[]> = {
      fleets: [
        { name: "envoys", proxy: "envoy", bindAddress: "127.0.0.11" },
        { name: "nginxes", proxy: "nginx", bindAddress: "127.0.0.12" },
        { name: "haproxies", proxy: "haproxy", bindAddress: "127.0.0.13" },
      ],
      listeners: [
        { name: "web", fleets: ["envoys", "nginxes", "haproxies"], port: 18080, protocol: "HTTP" },
        {
          name: "narrow",
          fleets: ["envoys", "nginxes", "haproxies"],
          port: 18080,
          protocol: "HTTP",
          hostname: "*.example.com",
        },
        { name: "raw", fleets: ["envoys", "nginxes", "haproxies"], port: 19000, protocol: "TCP" },
      ],
      clusters: clusterList,
      routes: [],
    };
    const candidates: object[] = drawn.map((route, index) => ({ name: `r${index}`, ...route }));
    if (tcpSplit !== undefined)
      candidates.push({ name: "tcp", listeners: ["raw"], protocol: "tcp", rules: [{ split: tcpSplit }] });
    for (const route of candidates.map(plain)) {
      const more = { ...base, routes: [...(base.routes ?? []), route] };
      if (errorsOf(plain(more)) === 0) base.routes = more.routes;
    }
    return plain(base);
  });

/** Where the proxies of an answerable model listen, and what its clusters point at. */
export interface AnswerablePlace {
  readonly port: number;
  /** By proxy. */
  readonly addresses: Readonly<Record<string, string>>;
  /** Ports on 127.0.0.1, by cluster; a cluster takes as many of them as it has endpoints. */
  readonly endpoints: Readonly<Record<string, readonly number[]>>;
}

/** Durations that an answer on a busy machine could exceed. */
const SHORT = new Set(["1ms", "250ms", "3s"]);

/** The same model with clusters that answer: requests can be sent to it. Its TCP listener is left out. */
export function answerable(document: Record<string, object[]>, place: AnswerablePlace): Record<string, object[]> {
  const text = JSON.stringify(document, (_key, value) => (SHORT.has(value) ? "1m30s" : value));
  const { fleets, listeners, clusters, routes } = JSON.parse(text) as Record<string, Record<string, unknown>[]>;
  return {
    fleets: (fleets ?? []).map((each) => ({ ...each, bindAddress: place.addresses[each.proxy as string] })),
    listeners: (listeners ?? [])
      .filter(({ protocol }) => protocol === "HTTP")
      .map((each) => ({ ...each, port: place.port })),
    clusters: (clusters ?? []).map((each) => {
      const ports = place.endpoints[each.name as string] ?? [];
      // Drawn endpoints are often none at all; one cluster without any is enough.
      const drawn = [...(each.endpoints as object[]), {}].slice(0, ports.length);
      return { ...each, endpoints: drawn.map((one, index) => ({ ...one, address: "127.0.0.1", port: ports[index] })) };
    }),
    routes: (routes ?? []).filter(({ protocol }) => protocol !== "tcp"),
  };
}

function errorsOf(document: unknown): number {
  const { resources, diagnostics } = validateConfig(document);
  if (diagnostics.length > 0) return diagnostics.length;
  const changes = resources.map(toChange);
  return checkSnapshot(applyChanges(emptySnapshot, changes), changes).filter(({ severity }) => severity === "error")
    .length;
}

function toChange(resource: Resource): Change {
  return { kind: resource.kind, name: resource.name, resource } as Change;
}

/** The same model with every list of resources in another order. */
export function shuffled(document: Record<string, object[]>, random: () => number): Record<string, object[]> {
  const shuffle = (list: object[]): object[] =>
    list
      .map((item) => ({ item, at: random() }))
      .sort((a, b) => a.at - b.at)
      .map(({ item }) => item);
  const names = collections.filter((name) => document[name] !== undefined);
  return Object.fromEntries(
    shuffle(names.map((name) => ({ name }))).map((entry) => [
      (entry as { name: string }).name,
      shuffle(document[(entry as { name: string }).name] ?? []),
    ]),
  );
}
