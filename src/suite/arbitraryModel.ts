/** Random valid models for property tests: small name spaces, so that references meet and precedence is contested. */
import fc from "fast-check";
import type { Diagnostic } from "../errors/diagnostic.ts";
import {
  applyChanges,
  changeTo,
  checkSnapshot,
  collectionOf,
  collections,
  emptySnapshot,
  type Resource,
  validateConfig,
} from "../model/index.ts";
import { pointer, pointerTokens } from "../util/pointer.ts";
import {
  address,
  bindAddress,
  bodyText,
  changedName,
  contentType,
  duration,
  headerValue,
  hostname,
  matchedName,
  path,
  regex,
} from "./arbitraryValues.ts";

const clusterNames = ["one", "two", "three", "empty"];
const cluster = fc.constantFrom("one", "two", ...clusterNames);

const optional = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined });
const few = <T>(value: fc.Arbitrary<T>, max: number): fc.Arbitrary<T[]> =>
  fc.array(value, { minLength: 1, maxLength: max });

const headerMatch = fc.oneof(
  fc.record({ name: matchedName, exact: headerValue }),
  fc.record({ name: matchedName, regex: fc.constantFrom("[0-9]+", "can.*", "\\w+ \\w+", 'a"b', ".*'.*") }),
  fc.record({ name: matchedName, present: fc.constant(true) }),
  fc.record({ name: matchedName, absent: fc.constant(true) }),
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
  set: optional(few(fc.record({ name: changedName("X-Set", "X-Set2"), value: headerValue }), 2)),
  add: optional(few(fc.record({ name: changedName("X-Add", "x-add2"), value: headerValue }), 2)),
  remove: optional(few(changedName("X-Gone", "X-Gone2"), 2)),
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
      contentType: optional(contentType),
    }),
  }),
);

/** Of a forward there is most to see. */
const action = fc.oneof({ weight: 3, arbitrary: forward }, { weight: 2, arbitrary: answer });

const rule = fc
  .tuple(action, fc.record({ matches: optional(few(match, 3)), responseHeaders: optional(headerChanges) }))
  .map(([one, rest]) => ({ ...rest, ...one }));

/** Of each proxy one fleet. */
const fleets = fc.tuple(bindAddress, bindAddress, bindAddress).map(([one, two, three]) => [
  { name: "envoys", proxy: "envoy", bindAddress: one },
  { name: "nginxes", proxy: "nginx", bindAddress: two },
  { name: "haproxies", proxy: "haproxy", bindAddress: three },
]);
const ALL = ["envoys", "nginxes", "haproxies"];

const OWN_LISTENERS = [
  { name: "web", fleets: ALL, port: 18080, protocol: "HTTP" },
  { name: "narrow", fleets: ALL, port: 18080, protocol: "HTTP", hostname: "*.example.com" },
  { name: "raw", fleets: ALL, port: 19000, protocol: "TCP" },
];
/** Behind the others in the alphabet: of two that clash the later one is told of, and left out. */
const MORE_LISTENERS = ["x0", "x1", "x2"];
const moreListeners = fc
  .tuple(
    ...MORE_LISTENERS.map((name) =>
      fc.record({
        name: fc.constant(name),
        fleets: fc.constantFrom(ALL, ALL, ["envoys"], ["nginxes", "haproxies"]),
        address: optional(bindAddress),
        port: fc.constantFrom(18080, 18081, 18081, 19000),
        protocol: fc.constantFrom("HTTP", "HTTP", "TCP"),
        hostname: optional(hostname),
      }),
    ),
  )
  .chain((all) => fc.subarray(all));

const routes = fc.array(
  fc.record({
    listeners: fc.constantFrom(["web"], ["web", "narrow"], ["web", "x0"], ["web", "x1", "x2"]),
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
          : fc.array(
              fc.record({
                address,
                port: fc.oneof(fc.constantFrom(1, 8080), fc.integer({ min: 1, max: 65535 })),
                weight: optional(fc.integer({ min: 0, max: 256 })),
              }),
              { maxLength: 4 },
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

const allListeners = moreListeners.map((more) => [...OWN_LISTENERS, ...more]);
/** Fleets with fewer kinds of ports than all, or with none. */
const fewListeners = fc.oneof(fc.constant<object[]>([]), fc.subarray(OWN_LISTENERS), moreListeners);

/** A document that passes shape and rules: parts that clash by chance are left out, never the whole. */
function modelWith(listeners: fc.Arbitrary<object[]>): fc.Arbitrary<Record<string, object[]>> {
  return fc.tuple(fleets, listeners, routes, clusters, optional(split)).map((parts) => {
    const [fleetList, listenerList, drawn, clusterList, tcpSplit] = parts;
    const named: object[] = drawn.map((route, index) => ({ name: `r${index}`, ...route }));
    if (tcpSplit !== undefined)
      named.push({ name: "tcp", listeners: ["raw"], protocol: "tcp", rules: [{ split: tcpSplit }] });
    return pruned(plain({ fleets: fleetList, listeners: listenerList, clusters: clusterList, routes: named }));
  });
}

/** A model in which every fleet has the same HTTP port: requests can be sent to it. */
export const listeningModel = modelWith(allListeners);

/** Any model. */
export const arbitraryModel = fc.oneof(
  { weight: 7, arbitrary: listeningModel },
  { weight: 1, arbitrary: modelWith(fewListeners) },
);

/** Cuts out the list items around problems until there is none. */
function pruned(document: Record<string, object[]>): Record<string, object[]> {
  for (;;) {
    const problems = errorsOf(plain(document));
    if (problems.length === 0) return document;
    const doomed = new Map<unknown[], Set<unknown>>();
    for (const problem of problems) {
      const { list, item } = innermostItem(document, pointerOf(problem, document));
      doomed.set(list, (doomed.get(list) ?? new Set()).add(item));
    }
    for (const [list, items] of doomed) list.splice(0, list.length, ...list.filter((item) => !items.has(item)));
  }
}

function pointerOf({ resource, pointer: at }: Diagnostic, document: Record<string, object[]>): string {
  if (resource === undefined) return at;
  const list = collectionOf(resource.kind as Resource["kind"]);
  return (
    pointer(
      list,
      (document[list] as { name: string }[]).findIndex(({ name }) => name === resource.name),
    ) + at
  );
}

/** The innermost list item that the pointer leads into. */
function innermostItem(document: object, at: string): { readonly list: unknown[]; readonly item: unknown } {
  let value: unknown = document;
  let found: { readonly list: unknown[]; readonly item: unknown } | null = null;
  for (const token of pointerTokens(at)) {
    const next = (value as Record<string, unknown> | undefined)?.[token];
    if (Array.isArray(value)) found = { list: value, item: next };
    value = next;
  }
  if (found === null) throw new Error(`no list around ${at}`);
  return found;
}

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

/** The same model with clusters that answer: requests can be sent to it. Only the listeners of its first HTTP port are left in. */
export function answerable(document: Record<string, object[]>, place: AnswerablePlace): Record<string, object[]> {
  const text = JSON.stringify(document, (_key, value) => (SHORT.has(value) ? "1m30s" : value));
  const { fleets, listeners, clusters, routes } = JSON.parse(text) as Record<string, Record<string, unknown>[]>;
  return {
    fleets: (fleets ?? []).map((each) => ({ ...each, bindAddress: place.addresses[each.proxy as string] })),
    listeners: (listeners ?? []).filter(isAnswering).map((each) => ({ ...each, port: place.port })),
    clusters: (clusters ?? []).map((each) => {
      const ports = place.endpoints[each.name as string] ?? [];
      // Drawn endpoints are often none at all; one cluster without any is enough.
      const drawn = [...(each.endpoints as object[]), {}].slice(0, ports.length);
      return { ...each, endpoints: drawn.map((one, index) => ({ ...one, address: "127.0.0.1", port: ports[index] })) };
    }),
    routes: (routes ?? [])
      .filter(({ protocol }) => protocol !== "tcp")
      .map((each) => ({ ...each, listeners: (each.listeners as string[]).filter((name) => isAnswering({ name })) }))
      .filter(({ listeners: left }) => left.length > 0),
  };
}

/** Requests go to one port. */
function isAnswering({ name }: { readonly name?: unknown }): boolean {
  return name === "web" || name === "narrow";
}

function errorsOf(document: unknown): Diagnostic[] {
  const { resources, diagnostics } = validateConfig(document);
  if (diagnostics.length > 0) return [...diagnostics];
  const changes = resources.map(changeTo);
  const found = checkSnapshot(applyChanges(emptySnapshot, changes), changes);
  return found.filter(({ severity }) => severity === "error");
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
