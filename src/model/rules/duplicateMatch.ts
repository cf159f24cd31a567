import { effectiveHostnames } from "../hostnames.ts";
import type { Resource, Snapshot } from "../types.ts";
import { type MatchBody, problem, type Rule } from "./rule.ts";

/** Two rules with the same listener, host and match are refused: which one wins would be a guess (l7.md 4.3). */
export const duplicateMatch: Rule = function* (snapshot, touched) {
  const routes = touched.filter((resource): resource is Resource<"route"> => resource.kind === "route");
  if (routes.length === 0) return;
  const first = new Map<string, { route: string; pointer: string }>();
  const names = new Set(routes.map(({ name }) => name));
  const scoped = [...snapshot.listener.values()].some(({ body }) => body.hostname !== undefined);
  const keys = (route: Resource<"route">): MatchKey[] => keysOf(snapshot, route, scoped);
  if (names.size < snapshot.route.size) {
    const wanted = new Set(routes.flatMap((route) => keys(route).map(({ key }) => key)));
    for (const route of snapshot.route.values()) {
      if (names.has(route.name)) continue;
      for (const { key, pointer } of keys(route)) if (wanted.has(key)) first.set(key, { route: route.name, pointer });
    }
  }
  for (const route of routes.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const reported = new Set<string>();
    for (const { key, pointer } of keys(route)) {
      const other = first.get(key);
      if (other === undefined) first.set(key, { route: route.name, pointer });
      else if (!reported.has(pointer)) {
        reported.add(pointer);
        const place =
          other.route === route.name ? other.pointer : `route ${JSON.stringify(other.route)} ${other.pointer}`;
        yield problem("MODEL-DUPLICATE-MATCH", route, {
          pointer,
          message: `${toldOf(key)} is matched already by ${place}`,
        });
      }
    }
  }
};

/** A key without its listener, for people. */
function toldOf(key: string): string {
  return key.split("\n").slice(1).join(" ");
}

interface MatchKey {
  key: string;
  pointer: string;
}

const cache = new WeakMap<Resource<"route">, { stamp: string; keys: MatchKey[] }>();

/** One key per listener, host and match. Cached while the listeners' hostnames (if any listener is `scoped`) stay. */
function keysOf(snapshot: Snapshot, route: Resource<"route">, scoped: boolean): MatchKey[] {
  if (route.body.protocol === "tcp") return [];
  const { listeners } = route.body;
  const stamp = scoped ? listeners.map((name) => snapshot.listener.get(name)?.body.hostname ?? "").join(" ") : "";
  const known = cache.get(route);
  if (known?.stamp === stamp) return known.keys;
  const keys: MatchKey[] = [];
  for (const listener of listeners) {
    for (const host of effectiveHostnames(route.body, snapshot.listener.get(listener)?.body)) {
      for (const [ruleIndex, rule] of route.body.rules.entries()) {
        for (const [index, match] of (rule.matches ?? [{}]).entries()) {
          const pointer = rule.matches === undefined ? `/rules/${ruleIndex}` : `/rules/${ruleIndex}/matches/${index}`;
          const text = matchText(match);
          keys.push({ key: `${listener}\n${host}\n${text}`, pointer });
        }
      }
    }
  }
  cache.set(route, { stamp, keys });
  return keys;
}

function matchText(match: MatchBody): string {
  const { path = { prefix: "/" }, method, headers = [] } = match;
  const prefix = path.prefix === undefined ? undefined : path.prefix.replace(/\/+$/, "") || "/";
  const conditions = headers
    .map(
      (header) =>
        `${header.name.toLowerCase()} ${JSON.stringify([header.exact, header.regex, header.present, header.absent])}`,
    )
    .sort();
  const where =
    path.exact !== undefined
      ? `path ${path.exact}`
      : path.regex !== undefined
        ? `path ~${path.regex}`
        : `prefix ${prefix}`;
  return [where, method, ...new Set(conditions)].filter((part) => part !== undefined).join(", ");
}
