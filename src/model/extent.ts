/** How much has to be looked at again when a change is judged: known from the documents, before anything is looked at. */
import { type Steps, shouldYield } from "../util/steps.ts";
import { matchesOf } from "./figures.ts";
import { effectiveHostnames } from "./hostnames.ts";
import type { Change, Resource, Snapshot } from "./types.ts";

/**
 * Resources, endpoints, and hosts and matches for every listener and fleet that they serve: what is written, what it replaces, and
 * the routes of listeners that change. Each takes some microseconds. Counting ends above `limit`.
 */
export function* extentOf(snapshot: Snapshot, changes: readonly Change[], limit: number): Steps<number> {
  let extent = 0;
  for (const [index, { kind, name, resource }] of changes.entries()) {
    if (shouldYield(index)) yield;
    const before = (snapshot[kind] as ReadonlyMap<string, Resource>).get(name);
    extent += 1 + ownExtent(before, snapshot) + ownExtent(resource ?? undefined, snapshot);
    if (extent > limit) return extent;
  }
  const listeners = changedListeners(snapshot, changes);
  if (listeners.size === 0) return extent;
  let index = 0;
  for (const route of snapshot.route.values()) {
    if (shouldYield(index++)) yield;
    if (route.body.listeners.some((name) => listeners.has(name))) extent += ownExtent(route, snapshot);
    if (extent > limit) return extent;
  }
  return extent;
}

function ownExtent(resource: Resource | undefined, snapshot: Snapshot): number {
  if (resource?.kind === "cluster") return (resource as Resource<"cluster">).body.endpoints.length;
  if (resource?.kind !== "route") return 0;
  const route = resource as Resource<"route">;
  let hosts = 0;
  for (const name of route.body.listeners) {
    const listener = snapshot.listener.get(name)?.body;
    // One that is not there yet is taken to be of one fleet.
    hosts += effectiveHostnames(route.body, listener).length * (listener?.fleets.length ?? 1);
  }
  return hosts * (1 + matchesOf(route));
}

/** Those that were there and change, and those of fleets whose proxy or version changes. */
function changedListeners(snapshot: Snapshot, changes: readonly Change[]): ReadonlySet<string> {
  const listeners = new Set<string>();
  const fleets = new Set<string>();
  for (const { kind, name, resource } of changes) {
    if (kind === "listener" && snapshot.listener.has(name)) listeners.add(name);
    const fleet = kind === "fleet" ? snapshot.fleet.get(name)?.body : undefined;
    const next = (resource as Resource<"fleet"> | null)?.body;
    if (fleet !== undefined && (fleet.proxy !== next?.proxy || fleet.version !== next?.version)) fleets.add(name);
  }
  if (fleets.size === 0) return listeners;
  for (const [name, { body }] of snapshot.listener) {
    if (body.fleets.some((fleet) => fleets.has(fleet))) listeners.add(name);
  }
  return listeners;
}
