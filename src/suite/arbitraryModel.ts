/** Random models for property tests, made from `schemas/`: small name spaces, so that references meet and precedence is contested. */
import fc from "fast-check";
import type { Diagnostic } from "../errors/diagnostic.ts";
import { deviationsOf } from "../targets/target.ts";
import { mend, mendCanaries } from "./arbitrary/mend.ts";
import type { Document, Item } from "./arbitrary/names.ts";
import { pruned } from "./arbitrary/prune.ts";
import { drawn, EVERY_PROXY, onlyOf, type Plan } from "./arbitrary/skeleton.ts";
import { compileDocument, leafOf } from "./modelFiles.ts";

/** A document that passes shape and rules, and that all its proxies take: what clashes by chance is cut out, never the whole. */
function modelWith(plan: Plan): fc.Arbitrary<Document> {
  return drawn(plan).map((document) => {
    // Rules that go would take along the canaries that move them.
    const first = pruned(mend({ ...document, canaries: [] }));
    return pruned(mendCanaries({ ...first, canaries: document.canaries ?? [] }), problemsOf);
  });
}

/** What shape and rules object to, and what a proxy refuses by its capability table. Other refusals are for tests to find. */
function problemsOf(document: Document): readonly Diagnostic[] {
  // Sealed, as everywhere: only then it is seen whether a key is that of a certificate.
  return compileDocument(document).diagnostics.filter((found) => {
    if (found.severity !== "error") return false;
    // Not of a proxy: a rule's.
    if (found.proxy === undefined) return true;
    const support = leafOf(found)?.support;
    return (
      support !== undefined && deviationsOf(support).some((known) => "refused" in known && known.code === found.code)
    );
  });
}

/** A model in which every fleet has the same HTTP port: requests can be sent to it. */
export const listeningModel = modelWith(EVERY_PROXY);

/** Any valid model. */
export const arbitraryModel = fc.oneof(
  { weight: 7, arbitrary: listeningModel },
  // Fleets with fewer kinds of ports than all, or with none.
  { weight: 1, arbitrary: modelWith({ ...EVERY_PROXY, listening: false }) },
);

/** A valid model of one proxy, with what other proxies may refuse. */
export function modelOf(proxy: string): fc.Arbitrary<Document> {
  return modelWith(onlyOf(proxy));
}

/** A document of nearly valid shape; whether it is a valid model is left to chance. */
export const anyDocument = drawn(EVERY_PROXY);

/** Where the proxies of an answerable model listen, and what its clusters point at. */
export interface AnswerablePlace {
  readonly port: number;
  /** By proxy. */
  readonly addresses: Readonly<Record<string, string>>;
  /** Ports on 127.0.0.1, by cluster; a cluster takes as many of them as it has endpoints. */
  readonly endpoints: Readonly<Record<string, readonly number[]>>;
  readonly checks: {
    /** Ports on 127.0.0.1 at which the probes of a check pass, by name of the check. */
    readonly ports: Readonly<Record<string, number>>;
    /** Clusters that keep their checks: those whose endpoints serve. */
    readonly clusters: readonly string[];
  };
}

/** Often enough that each proxy has probed before its first request. */
const PROBE_INTERVAL = "250ms";

/** Durations that an answer on a busy machine could exceed. */
const SHORT = new Set(["1ms", "250ms", "3s"]);
/** How long a client waits for the next try is not what is looked at. */
const AT_ONCE = "1ms";

/** The same model with clusters that answer: requests can be sent to it. Only the listeners of its first HTTP port are left in. */
export function answerable(document: Document, place: AnswerablePlace): Document {
  const text = JSON.stringify(document, (key, value) =>
    key === "backoff" ? AT_ONCE : SHORT.has(value) ? "1m30s" : value,
  );
  const all = JSON.parse(text) as Document;
  const { fleets = [], listeners = [], clusters = [], routes = [], healthChecks = [], ...others } = all;
  const open = listeners.filter(isAnswering);
  // Every client sends a header, or none does: one port has one answer.
  const isProxied = open.some(({ proxyProtocol }) => proxyProtocol !== undefined);
  const answering = {
    ...others,
    fleets: fleets.map((each) => ({ ...each, bindAddress: place.addresses[each.proxy as string] })),
    listeners: open.map(({ proxyProtocol: _, ...each }) => ({
      ...each,
      port: place.port,
      ...(isProxied ? { proxyProtocol: { mode: "required" } } : {}),
    })),
    clusters: clusters.map((each) => {
      const ports = place.endpoints[each.name] ?? [];
      // Drawn endpoints are often none at all; one cluster without any is enough.
      const endpoints = [...(each.endpoints as object[]), {}].slice(0, ports.length);
      // The endpoints answer in the clear.
      const { healthCheck, outlierDetection, tls: _, ...rest } = each;
      const serves = place.checks.clusters.includes(each.name);
      const isEjecting = outlierDetection !== undefined && (serves || isTriedWhenAllAreOut(each));
      return {
        ...rest,
        ...(healthCheck !== undefined && serves ? { healthCheck } : {}),
        ...(isEjecting ? { outlierDetection } : {}),
        endpoints: endpoints.map((one, at) => ({ ...one, address: "127.0.0.1", port: ports[at] })),
      };
    }),
    healthChecks: healthChecks.map((each) => passable({ ...each, port: place.checks.ports[each.name] })),
    routes: routes
      .filter(({ protocol }) => !["tcp", "tls", "udp"].includes(protocol as string))
      .map((each) => ({ ...each, listeners: (each.listeners as string[]).filter((name) => isAnswering({ name })) }))
      .filter(({ listeners: left }) => left.length > 0),
  };
  // Longer durations may be more than a whole request may take.
  return pruned(answering, problemsOf);
}

/** With these nginx answers for itself when it has left out all (`OUTLIER-ALL`): then it matters how many requests came before. */
const WITHOUT_LAST_RESORT = ["hash", "random", "powerOfTwo"];

function isTriedWhenAllAreOut({ balance }: Item): boolean {
  return !WITHOUT_LAST_RESORT.includes((balance as { policy?: string } | undefined)?.policy ?? "roundRobin");
}

/** The same check, often asked; where a text is looked for, an answer with a body is expected. */
function passable(check: Item): Item {
  const http = check.http as { body?: object; expectedStatus?: string[] } | undefined;
  if (http?.body !== undefined && http.expectedStatus?.every((range) => range === "204")) delete http.expectedStatus;
  return { ...check, interval: PROBE_INTERVAL };
}

/** Requests go to one port. */
function isAnswering({ name }: { readonly name: string }): boolean {
  return name === "web" || name === "narrow";
}

/** The same model with every list of resources in another order. */
export function shuffled(document: Document, random: () => number): Document {
  const shuffle = <T>(list: readonly T[]): T[] =>
    list
      .map((item) => ({ item, at: random() }))
      .sort((a, b) => a.at - b.at)
      .map(({ item }) => item);
  return Object.fromEntries(shuffle(Object.entries(document)).map(([name, list]) => [name, shuffle(list)]));
}
