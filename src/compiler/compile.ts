/** The passes in order: rules of a route, virtual hosts of a listener, ports and clusters of a fleet. */
import type { FleetIr } from "../ir/index.ts";
import type { Resource, Snapshot } from "../model/index.ts";
import { compileFleet } from "./passes/fleet.ts";
import { type CompiledListener, compileListener } from "./passes/listener.ts";
import { type CanaryIndex, indexCanaries, rulesOfRoute } from "./passes/rules.ts";

/** Everything that a next compilation can build on. */
export interface Compiled {
  readonly snapshot: Snapshot;
  /** By name. */
  readonly fleets: ReadonlyMap<string, FleetIr>;
  readonly listeners: ReadonlyMap<string, CompiledListener>;
  readonly canaries: CanaryIndex;
}

/** Compiles a model. `previous` is any earlier result (it only saves work) or null. */
export function compile(snapshot: Snapshot, previous: Compiled | null): Compiled {
  if (previous?.snapshot === snapshot) return previous;
  const canaries = indexCanaries(snapshot, previous?.canaries ?? null);
  const changed = changedRoutes(snapshot, previous, canaries);
  const listeners = new Map<string, CompiledListener>();
  for (const [name, listener] of snapshot.listener) {
    const before = previous?.listeners.get(name);
    const reusable = before !== undefined && sameSurface(before, listener) ? before : null;
    listeners.set(
      name,
      compileListener(listener, reusable, reusable === null ? routesOf(snapshot, canaries, name) : changed),
    );
  }
  const fleets = new Map<string, FleetIr>();
  for (const name of [...snapshot.fleet.keys()].sort()) {
    const fleet = snapshot.fleet.get(name) as Resource<"fleet">;
    fleets.set(name, compileFleet({ fleet, snapshot, listeners, previous: previous?.fleets.get(name) ?? null }));
  }
  return Object.freeze({ snapshot, fleets, listeners, canaries });
}

/** A route before and after: what a listener drops and what it gains. */
export interface RouteChange {
  readonly name: string;
  readonly after: { readonly route: Resource<"route">; readonly rules: ReturnType<typeof rulesOfRoute> } | null;
  readonly before: Resource<"route"> | null;
}

function changedRoutes(snapshot: Snapshot, previous: Compiled | null, canaries: CanaryIndex): RouteChange[] {
  const changes: RouteChange[] = [];
  if (previous === null) return changes;
  const before = previous.snapshot.route;
  for (const [name, route] of snapshot.route) {
    const old = before.get(name);
    if (old === route && canaries.get(name) === previous.canaries.get(name)) continue;
    changes.push({ name, before: old ?? null, after: { route, rules: rulesOfRoute(route, canaries.get(name)) } });
  }
  if (before !== snapshot.route) {
    for (const [name, route] of before)
      if (!snapshot.route.has(name)) changes.push({ name, before: route, after: null });
  }
  return changes;
}

/** Whether what was compiled for a listener of this name still stands on the same ground. */
function sameSurface(before: CompiledListener, { body }: Resource<"listener">): boolean {
  return before.hostname === (body.hostname ?? null) && before.protocol === body.protocol;
}

function routesOf(snapshot: Snapshot, canaries: CanaryIndex, listener: string): RouteChange[] {
  const changes: RouteChange[] = [];
  for (const [name, route] of snapshot.route) {
    if (!route.body.listeners.includes(listener)) continue;
    changes.push({ name, before: null, after: { route, rules: rulesOfRoute(route, canaries.get(name)) } });
  }
  return changes;
}
