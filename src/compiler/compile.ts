/** The passes in order: rules of a route, virtual hosts of a listener, ports and clusters of a fleet. */
import type { FleetIr, RuleIr } from "../ir/index.ts";
import type { Resource, Snapshot } from "../model/index.ts";
import { changedKeys } from "../util/sorted.ts";
import { due, finish, type Steps } from "../util/steps.ts";
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
  return finish(compileSteps(snapshot, previous));
}

/** `compile` in steps. */
export function* compileSteps(snapshot: Snapshot, previous: Compiled | null): Steps<Compiled> {
  if (previous?.snapshot === snapshot) return previous;
  const canaries = indexCanaries(snapshot, previous?.canaries ?? null);
  const changed = yield* changedRoutes(snapshot, previous, canaries);
  const listeners = new Map<string, CompiledListener>();
  for (const [name, listener] of snapshot.listener) {
    const before = previous?.listeners.get(name);
    const reusable = before !== undefined && sameSurface(before, listener) ? before : null;
    const changes = reusable === null ? yield* routesOf(snapshot, canaries, name) : changed;
    listeners.set(name, yield* compileListener(listener, reusable, changes));
    yield;
  }
  const fleets = new Map<string, FleetIr>();
  for (const name of [...snapshot.fleet.keys()].sort()) {
    const fleet = snapshot.fleet.get(name) as Resource<"fleet">;
    const before = previous?.fleets.get(name) ?? null;
    fleets.set(name, yield* compileFleet({ fleet, snapshot, listeners, previous: before }));
  }
  return Object.freeze({ snapshot, fleets, listeners, canaries });
}

/** A route with its rules. */
export interface CompiledRoute {
  readonly route: Resource<"route">;
  readonly rules: readonly RuleIr[];
}

/** A route before and after: what a listener drops and what it gains. */
export interface RouteChange {
  readonly name: string;
  readonly before: CompiledRoute | null;
  readonly after: CompiledRoute | null;
}

function* changedRoutes(
  snapshot: Snapshot,
  previous: Compiled | null,
  canaries: CanaryIndex,
): Steps<readonly RouteChange[]> {
  if (previous === null) return [];
  const before = previous.snapshot.route;
  const names = new Set([...changedKeys(before, snapshot.route), ...changedKeys(previous.canaries, canaries)]);
  const changes: RouteChange[] = [];
  for (const name of names) {
    const after = compiledRoute(snapshot, canaries, name);
    changes.push({ name, before: compiledRoute(previous.snapshot, previous.canaries, name), after });
    yield;
  }
  return changes;
}

function compiledRoute(snapshot: Snapshot, canaries: CanaryIndex, name: string): CompiledRoute | null {
  const route = snapshot.route.get(name);
  return route === undefined ? null : { route, rules: rulesOfRoute(route, canaries.get(name)) };
}

/** Whether what was compiled for a listener of this name still stands on the same ground. */
function sameSurface(before: CompiledListener, { body }: Resource<"listener">): boolean {
  return before.hostname === (body.hostname ?? null) && before.protocol === body.protocol;
}

function* routesOf(snapshot: Snapshot, canaries: CanaryIndex, listener: string): Steps<readonly RouteChange[]> {
  const changes: RouteChange[] = [];
  let index = 0;
  for (const [name, route] of snapshot.route) {
    if (due(index++)) yield;
    if (!route.body.listeners.includes(listener)) continue;
    changes.push({ name, before: null, after: { route, rules: rulesOfRoute(route, canaries.get(name)) } });
  }
  return changes;
}
