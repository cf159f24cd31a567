import type { Diagnostic } from "../../errors/diagnostic.ts";
import { canonicalJson } from "../../util/hash.ts";
import { changedKeys } from "../../util/sorted.ts";
import { type Steps, shouldYield } from "../../util/steps.ts";
import { canonicalCidr } from "../cidr.ts";
import { effectiveHostnames } from "../hostnames.ts";
import type { Resource, Snapshot } from "../types.ts";
import { type MatchBody, problem, touchedOf, type WholeRule } from "./rule.ts";

/**
 * Two rules with the same listener, host and match are refused: which one wins would be a guess (l7.md 4.3). Each rule that is
 * made remembers the model that it looked at last: the next one usually differs in one route.
 */
export function createDuplicateMatch(): WholeRule {
  const memory: Memory = { last: null, keys: new WeakMap() };
  return function* duplicateMatch(snapshot, touched) {
    const routes = touchedOf(touched, "route");
    if (routes.length === 0) return;
    const index = yield* indexOf(snapshot, memory);
    const names = new Set(routes.map(({ name }) => name));
    for (const route of routes) {
      yield* duplicatesOf(route, { snapshot, memory, index, names });
      yield;
    }
  };
}

interface Memory {
  /** The index of the model that was looked at last. */
  last: { routes: Snapshot["route"]; listeners: Snapshot["listener"]; index: Map<string, Place[]> } | null;
  /** The keys of a route, and the listeners that they were made with. */
  readonly keys: WeakMap<Resource<"route">, { listeners: Snapshot["listener"]; keys: MatchKey[] }>;
}

interface Context {
  readonly snapshot: Snapshot;
  readonly memory: Memory;
  readonly index: ReadonlyMap<string, readonly Place[]>;
  /** Touched routes: of two that clash the later one by name is told. */
  readonly names: ReadonlySet<string>;
}

function* duplicatesOf(route: Resource<"route">, { snapshot, memory, index, names }: Context): Iterable<Diagnostic> {
  const reported = new Set<string>();
  for (const { key, pointer } of keysOf(snapshot, route, memory)) {
    const owners = index.get(key) ?? [];
    if (owners.length < 2 || reported.has(pointer)) continue;
    const own = owners.find((owner) => owner.route === route.name);
    const other = owners.find(
      (owner) => owner.route !== route.name && (!names.has(owner.route) || owner.route < route.name),
    );
    const earlier = other ?? (own?.pointer === pointer ? undefined : own);
    if (earlier === undefined) continue;
    reported.add(pointer);
    const where =
      earlier.route === route.name ? earlier.pointer : `route ${JSON.stringify(earlier.route)} ${earlier.pointer}`;
    const [, host, ...parts] = key.split("\n");
    const message = `${host} ${parts.join(", ")} is matched already by ${where}`;
    yield problem("MODEL-DUPLICATE-MATCH", route, { pointer, message });
  }
}

interface Place {
  readonly route: string;
  readonly pointer: string;
}

/** Who has each key. Brought up to date from the last model's by what changed. */
function* indexOf(snapshot: Snapshot, memory: Memory): Steps<ReadonlyMap<string, readonly Place[]>> {
  const before = memory.last?.listeners === snapshot.listener ? memory.last : null;
  const index = before?.index ?? new Map<string, Place[]>();
  // Set again at the end: while this rests, and after an exception, the half-changed index must not be used.
  memory.last = null;
  const changed = before === null ? [...snapshot.route.keys()] : changedKeys(before.routes, snapshot.route);
  for (const [count, name] of changed.entries()) {
    if (shouldYield(count)) yield;
    const old = before?.routes.get(name);
    if (old !== undefined) for (const { key } of keysOf(snapshot, old, memory)) removeOwner(index, key, name);
    const now = snapshot.route.get(name);
    if (now === undefined) continue;
    for (const { key, pointer } of keysOf(snapshot, now, memory)) {
      const owners = index.get(key);
      if (owners === undefined) index.set(key, [{ route: name, pointer }]);
      else owners.push({ route: name, pointer });
    }
  }
  memory.last = { routes: snapshot.route, listeners: snapshot.listener, index };
  return index;
}

function removeOwner(index: Map<string, Place[]>, key: string, name: string): void {
  const left = (index.get(key) ?? []).filter((owner) => owner.route !== name);
  if (left.length === 0) index.delete(key);
  else index.set(key, left);
}

interface MatchKey {
  readonly key: string;
  readonly pointer: string;
}

/** One key per listener, host and match. Cached while the listeners stay. */
function keysOf(snapshot: Snapshot, route: Resource<"route">, memory: Memory): readonly MatchKey[] {
  if (route.body.protocol === "tcp") return [];
  const known = memory.keys.get(route);
  if (known?.listeners === snapshot.listener) return known.keys;
  const keys: MatchKey[] = [];
  for (const listener of route.body.listeners) {
    for (const host of effectiveHostnames(route.body, snapshot.listener.get(listener)?.body)) {
      for (const [ruleIndex, rule] of route.body.rules.entries()) {
        for (const [matchIndex, match] of (rule.matches ?? [{}]).entries()) {
          const pointer =
            rule.matches === undefined ? `/rules/${ruleIndex}` : `/rules/${ruleIndex}/matches/${matchIndex}`;
          keys.push({ key: `${listener}\n${host}\n${matchText(match)}`, pointer });
        }
      }
    }
  }
  memory.keys.set(route, { listeners: snapshot.listener, keys });
  return keys;
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

/** Names of header fields have no case, and ranges no bits behind their length. */
function conditionText(field: string, item: unknown): string {
  if (field === "source") return canonicalCidr(String(item));
  if (typeof item !== "object") return String(item);
  const { name, ...test } = item as { readonly name?: string };
  if (name === undefined) return canonicalJson(test);
  return `${field === "headers" ? name.toLowerCase() : name} ${canonicalJson(test)}`;
}
