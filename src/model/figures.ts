/** What a model amounts to: sums over its resources, so that what a change adds costs what changed. */
import { regexWork, searched } from "../regex/index.ts";
import { type Steps, shouldYield } from "../util/steps.ts";
import type { Bounds } from "./bounds.ts";
import { mostLocalZones } from "./geoLabels.ts";
import { effectiveHostnames } from "./hostnames.ts";
import { kinds } from "./kinds.ts";
import { regexesOfRoute } from "./rules/regexDialect.ts";
import type { Change, Kind, Resource, Snapshot } from "./types.ts";

/** The bounds that a model is held to by its documents alone. */
export type Figure = "documentBytes" | "rules" | "hosts" | "regexWork";
/** By figure. */
export type Figures = Readonly<Record<Figure, number>>;

const NOTHING: Figures = { documentBytes: 0, rules: 0, hosts: 0, regexWork: 0 };

/** In the words of messages. */
export const FIGURE_WORDS: Readonly<Record<Figure, string>> = {
  documentBytes: "bytes of all documents as JSON",
  rules:
    "matches of rules, each for every hostname, listener and fleet that it serves, and for every zone that its clusters prefer",
  hosts: "hostnames of routes, each for every listener and fleet",
  regexWork: "microseconds that it takes to make all regular expressions ready for PCRE2",
};

/** What is remembered is dropped with the models and resources that it is of. */
export interface FiguresMemory {
  readonly bounds: Pick<Bounds, Figure>;
  readonly figures: WeakMap<Snapshot, Figures>;
  readonly own: WeakMap<Resource, Own>;
}

/** What a resource amounts to by itself. */
export interface Own {
  readonly documentBytes: number;
  readonly matches: number;
  readonly regexWork: number;
}

/** The figures of a model; all of it is looked at when they are not known yet. */
export function* figuresOf(snapshot: Snapshot, memory: FiguresMemory): Steps<Figures> {
  const known = memory.figures.get(snapshot);
  if (known !== undefined) return known;
  let figures = NOTHING;
  let index = 0;
  for (const kind of kinds) {
    for (const resource of snapshot[kind].values()) {
      figures = sum(figures, yield* figuresOfOne(resource, snapshot, memory), 1);
      if (shouldYield(index++)) yield;
    }
  }
  memory.figures.set(snapshot, figures);
  return figures;
}

/** A change of a model. */
export interface Look {
  readonly base: Snapshot;
  readonly snapshot: Snapshot;
  readonly changes: readonly Change[];
}

/** The figures after the changes, when `before` is what they are of the base. */
export function* figuresAfter(
  { base, snapshot, changes }: Look,
  before: Figures,
  memory: FiguresMemory,
): Steps<Figures> {
  let figures = before;
  let index = 0;
  for (const { kind, name } of yield* withRoutesOf({ base, snapshot, changes })) {
    const old = resourceOf(base, kind, name);
    const now = resourceOf(snapshot, kind, name);
    if (old !== undefined) figures = sum(figures, yield* figuresOfOne(old, base, memory), -1);
    if (now !== undefined) figures = sum(figures, yield* figuresOfOne(now, snapshot, memory), 1);
    if (shouldYield(index++)) yield;
  }
  return figures;
}

type Key = Pick<Change, "kind" | "name">;

/** What changed, and the routes of listeners and of clusters that changed as products with them are concerned. */
function* withRoutesOf({ base, snapshot, changes }: Look): Steps<readonly Key[]> {
  const listeners = new Set(changes.filter(({ kind }) => kind === "listener").map(({ name }) => name));
  const clusters = new Set(
    changes
      .flatMap(({ kind, name }) => (kind === "cluster" ? name : []))
      .filter((name) => zonesIn(base, name) !== zonesIn(snapshot, name)),
  );
  if (listeners.size + clusters.size === 0) return changes;
  const written = new Set(changes.filter(({ kind }) => kind === "route").map(({ name }) => name));
  const keys: Key[] = [...changes];
  let index = 0;
  for (const { name, body } of snapshot.route.values()) {
    const isConcerned = (): boolean =>
      body.listeners.some((listener) => listeners.has(listener)) ||
      (clusters.size > 0 && body.rules.some(({ split = [] }) => split.some(({ cluster }) => clusters.has(cluster))));
    if (!written.has(name) && isConcerned()) keys.push({ kind: "route", name });
    if (shouldYield(index++)) yield;
  }
  return keys;
}

/** How many rules a cluster may make of one that forwards to it, beside that one. */
function zonesIn({ cluster }: Snapshot, name: string): number {
  const body = cluster.get(name)?.body;
  return body === undefined ? 0 : mostLocalZones(body);
}

function resourceOf(snapshot: Snapshot, kind: Kind, name: string): Resource | undefined {
  return (snapshot[kind] as ReadonlyMap<string, Resource>).get(name);
}

function sum(a: Figures, b: Figures, sign: 1 | -1): Figures {
  return {
    documentBytes: a.documentBytes + sign * b.documentBytes,
    rules: a.rules + sign * b.rules,
    hosts: a.hosts + sign * b.hosts,
    regexWork: a.regexWork + sign * b.regexWork,
  };
}

/** What one resource adds to the figures. */
export function* figuresOfOne(resource: Resource, snapshot: Snapshot, memory: FiguresMemory): Steps<Figures> {
  const own = memory.own.get(resource) ?? (yield* ownOf(resource, memory));
  const { documentBytes, regexWork: work } = own;
  const hosts =
    resource.kind === "route" ? placesOf(resource as Resource<"route">, snapshot, ({ length }) => length) : 0;
  const more = hosts === 0 ? 0 : localMatches(resource as Resource<"route">, snapshot);
  return { documentBytes, rules: (own.matches + more) * hosts, hosts, regexWork: work };
}

/** The same by itself: regular expressions are analysed here. */
export function* ownOf(resource: Resource, memory: FiguresMemory): Steps<Own> {
  const documentBytes = JSON.stringify(resource.body).length;
  const own = { documentBytes, matches: 0, regexWork: 0 };
  if (resource.kind === "healthCheck") {
    const regex = (resource as Resource<"healthCheck">).body.http?.body?.regex;
    if (regex !== undefined) own.regexWork += regexWork(searched(regex));
    yield;
  }
  if (resource.kind === "route") {
    const route = resource as Resource<"route">;
    own.matches = matchesOf(route);
    for (const regex of new Set([...regexesOfRoute(route)].map((place) => place.regex))) {
      own.regexWork += regexWork(regex);
      yield;
      // Nobody needs to know by how much.
      if (own.regexWork > memory.bounds.regexWork) break;
    }
  }
  memory.own.set(resource, own);
  return own;
}

/** Matches of a route's rules; a rule without any has one. */
export function matchesOf({ body }: Resource<"route">): number {
  return body.rules.reduce((total, rule) => total + (rule.matches?.length ?? 1), 0);
}

/** Those that are made for clients near zones, at most. */
export function localMatches({ body }: Resource<"route">, snapshot: Snapshot): number {
  let more = 0;
  for (const { matches, split = [] } of body.rules) {
    for (const { cluster } of split) more += zonesIn(snapshot, cluster) * (matches?.length ?? 1);
  }
  return more;
}

/** How often each match of a route is counted: for every hostname, listener and fleet of it (`count` says how many of these). */
export function placesOf(
  { body }: Resource<"route">,
  snapshot: Snapshot,
  count: (fleets: readonly string[]) => number,
): number {
  let places = 0;
  for (const name of body.listeners) {
    const listener = snapshot.listener.get(name)?.body;
    if (listener !== undefined) places += effectiveHostnames(body, listener).length * count(listener.fleets);
  }
  return places;
}
