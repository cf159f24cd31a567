import type { Diagnostic } from "../../errors/diagnostic.ts";
import { canonicalJson } from "../../util/hash.ts";
import { changedKeys } from "../../util/sorted.ts";
import { type Steps, shouldYield } from "../../util/steps.ts";
import { canonicalCidr } from "../cidr.ts";
import { grpcPath } from "../grpcPath.ts";
import { effectiveHostnames } from "../hostnames.ts";
import type { Resource, Snapshot } from "../types.ts";
import { type MatchBody, problem, touchedOf, type WholeRule } from "./rule.ts";

/**
 * Two rules with the same listener, host and match are refused: which one wins would be a guess (l7.md 4.3). Each rule that is
 * made remembers the model that it looked at last: the next one usually differs in one route.
 */
export function createDuplicateMatch(): WholeRule {
  const memory: Memory = { last: null, matches: new WeakMap() };
  return function* duplicateMatch(snapshot, touched) {
    const routes = touchedOf(touched, "route");
    if (routes.length === 0) return;
    const index = yield* indexOf(snapshot, memory);
    const names = new Set(routes.map(({ name }) => name));
    for (const route of routes) {
      yield* duplicatesOf(route, { snapshot, memory, index, names });
    }
  };
}

/** What of a model decides where matches stand. */
type Places = Pick<Snapshot, "route" | "listener">;

interface Memory {
  /** The index of the model that was looked at last. */
  last: (Places & { readonly index: Index }) | null;
  readonly matches: WeakMap<Resource<"route">, readonly Owned[]>;
}

/** A match and who has it. One object, and one text, for all the hosts that it serves: there may be a million of these. */
interface Owned {
  readonly route: string;
  readonly pointer: string;
  readonly text: string;
}

/** The owners of each match, by listener and host. Nearly all have one, which stands by itself. */
type Index = Map<string, Map<string, Owned | readonly Owned[]>>;

interface Context {
  readonly snapshot: Snapshot;
  readonly memory: Memory;
  readonly index: Index;
  /** Touched routes: of two that clash the later one by name is told. */
  readonly names: ReadonlySet<string>;
}

/** Matches that are looked up between two rests: below a millisecond. */
const MATCHES_PER_STEP = 1024;

function* duplicatesOf(
  route: Resource<"route">,
  { snapshot, memory, index, names }: Context,
): Iterable<Diagnostic | undefined> {
  const reported = new Set<string>();
  const matches = matchesOfRoute(route, memory);
  let work = 0;
  for (const { key, host } of placesOf(snapshot, route)) {
    const owners = index.get(key);
    for (const { pointer, text } of matches) {
      if (++work % MATCHES_PER_STEP === 0) yield undefined;
      const found = owners?.get(text);
      if (!Array.isArray(found) || reported.has(pointer)) continue;
      const earlier = earlierOf(found, { name: route.name, pointer, names });
      if (earlier === undefined) continue;
      reported.add(pointer);
      const where =
        earlier.route === route.name ? earlier.pointer : `route ${JSON.stringify(earlier.route)} ${earlier.pointer}`;
      const message = `${host} ${text.replaceAll("\n", ", ")} is matched already by ${where}`;
      const related = { resource: { kind: route.kind, name: earlier.route }, pointer: earlier.pointer };
      yield problem("MODEL-DUPLICATE-MATCH", route, { pointer, message, related });
    }
  }
  yield undefined;
}

/** Of several owners of one match the one that a touched route is told of. */
function earlierOf(
  owners: readonly Owned[],
  { name, pointer, names }: { readonly name: string; readonly pointer: string; readonly names: ReadonlySet<string> },
): Owned | undefined {
  const own = owners.find((owner) => owner.route === name);
  const other = owners.find((owner) => owner.route !== name && (!names.has(owner.route) || owner.route < name));
  return other ?? (own?.pointer === pointer ? undefined : own);
}

/** Who has each match. Brought up to date from the last model's by what changed. */
function* indexOf(snapshot: Snapshot, memory: Memory): Steps<Index> {
  const { last } = memory;
  const index: Index = last?.index ?? new Map();
  // Set again at the end: while this rests, and after an exception, the half-changed index must not be used.
  memory.last = null;
  const changed = last === null ? [...snapshot.route.keys()] : yield* changedRoutes(last, snapshot);
  let count = 0;
  for (const name of changed) {
    if (shouldYield(count++)) yield;
    const old = last?.route.get(name);
    if (last !== null && old !== undefined) yield* leave(index, old, { snapshot: last, memory });
    const now = snapshot.route.get(name);
    if (now !== undefined) yield* enter(index, now, { snapshot, memory });
  }
  memory.last = { route: snapshot.route, listener: snapshot.listener, index };
  return index;
}

/** Routes that are not what they were, and those of listeners whose hostname is not. */
function* changedRoutes(last: Places, snapshot: Places): Steps<ReadonlySet<string>> {
  const changed = new Set(changedKeys(last.route, snapshot.route));
  const hostnameOf = ({ listener }: Places, name: string): string | undefined => listener.get(name)?.body.hostname;
  const moved = new Set(
    changedKeys(last.listener, snapshot.listener).filter(
      (name) => hostnameOf(last, name) !== hostnameOf(snapshot, name),
    ),
  );
  if (moved.size === 0) return changed;
  let count = 0;
  // What only one of the two models has is among the changed ones already.
  for (const [name, { body }] of snapshot.route) {
    if (body.listeners.some((listener) => moved.has(listener))) changed.add(name);
    if (shouldYield(count++)) yield;
  }
  return changed;
}

type Indexing = { readonly snapshot: Places; readonly memory: Memory };

function* enter(index: Index, route: Resource<"route">, { snapshot, memory }: Indexing): Steps<void> {
  const matches = matchesOfRoute(route, memory);
  let work = 0;
  for (const { key } of placesOf(snapshot, route)) {
    const owners = index.get(key) ?? new Map<string, Owned | readonly Owned[]>();
    index.set(key, owners);
    for (const owned of matches) {
      const others = owners.get(owned.text);
      owners.set(owned.text, others === undefined ? owned : [others, owned].flat());
      if (++work % MATCHES_PER_STEP === 0) yield;
    }
  }
}

function* leave(index: Index, route: Resource<"route">, { snapshot, memory }: Indexing): Steps<void> {
  const matches = matchesOfRoute(route, memory);
  let work = 0;
  for (const { key } of placesOf(snapshot, route)) {
    const owners = index.get(key);
    if (owners === undefined) continue;
    for (const { text } of matches) {
      if (++work % MATCHES_PER_STEP === 0) yield;
      const [one, ...others] = [owners.get(text) ?? []].flat().filter((owner) => owner.route !== route.name);
      if (one === undefined) owners.delete(text);
      else owners.set(text, others.length === 0 ? one : [one, ...others]);
    }
    if (owners.size === 0) index.delete(key);
  }
}

/** Every listener and host that a route serves. */
function* placesOf(snapshot: Places, { body }: Resource<"route">): Iterable<{ key: string; host: string }> {
  if ((body.protocol ?? "http") !== "http" && body.protocol !== "grpc") return;
  for (const listener of body.listeners) {
    for (const host of effectiveHostnames(body, snapshot.listener.get(listener)?.body))
      yield { key: `${listener}\n${host}`, host };
  }
}

function matchesOfRoute(route: Resource<"route">, memory: Memory): readonly Owned[] {
  const known = memory.matches.get(route);
  if (known !== undefined) return known;
  const found: Owned[] = [];
  for (const [ruleIndex, { matches }] of route.body.rules.entries()) {
    for (const [matchIndex, match] of (matches ?? [{}]).entries()) {
      const place = matches === undefined ? "" : `/matches/${matchIndex}`;
      const text = matchText(route.body.protocol === "grpc" ? asPath(match) : match);
      found.push({ route: route.name, pointer: `/rules/${ruleIndex}${place}`, text });
    }
  }
  memory.matches.set(route, found);
  return found;
}

/** Calls differ from other requests in what they have as Content-Type. */
function asPath({ grpc, ...others }: MatchBody): MatchBody {
  return { ...others, path: grpcPath(grpc ?? {}) as NonNullable<MatchBody["path"]>, grpc: {} };
}

/** Equal for matches that the compiler reads alike. A line for each part: some values may have commas and blanks, none a line's end. */
function matchText({ path = { prefix: "/" }, ...others }: MatchBody): string {
  const where =
    path.exact !== undefined
      ? `path ${path.exact}`
      : path.regex !== undefined
        ? `path ~${path.regex}`
        : `prefix ${path.prefix?.replace(/\/+$/, "") || "/"}`;
  const conditions = Object.entries(others).flatMap(([field, value]) =>
    [value].flat().map((item) => `${field} ${conditionText(field, item)}`),
  );
  return [where, ...new Set(conditions.sort())].join("\n");
}

/** In whatever order the labels stand. */
function geoText({ table, labels }: NonNullable<MatchBody["geo"]>): string {
  return `${table} ${[...labels].sort().join(" ")}`;
}

/** Names of header fields have no case, and ranges no bits behind their length. */
function conditionText(field: string, item: unknown): string {
  if (field === "source") return canonicalCidr(String(item));
  if (field === "geo") return geoText(item as NonNullable<MatchBody["geo"]>);
  if (typeof item !== "object") return String(item);
  const { name, ...test } = item as { readonly name?: string };
  if (name === undefined) return canonicalJson(test);
  return `${field === "headers" ? name.toLowerCase() : name} ${canonicalJson(test)}`;
}
