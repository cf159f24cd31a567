/** The passes in order: rules of a route, hosts of a listener, ports and clusters of a fleet. */
import type { FleetIr } from "../ir/index.ts";
import type { Resource, Snapshot } from "../model/index.ts";
import { changedKeys } from "../util/sorted.ts";
import { type Steps, shouldYield } from "../util/steps.ts";
import { type CompilerMemory, createMemory } from "./memory.ts";
import { type CanaryIndex, indexCanaries } from "./passes/canaries.ts";
import type { CompiledRoute, RouteChange } from "./passes/changes.ts";
import { compileFleet } from "./passes/fleet.ts";
import { type CompiledListener, compileListener } from "./passes/listener.ts";
import { withPathGroupsSteps } from "./passes/pathGroups.ts";
import { preferencesOf } from "./passes/preferLocal.ts";
import { redirectRule } from "./passes/redirectToHttps.ts";
import { rulesOfRoute } from "./passes/rules.ts";

/** Everything that a next compilation can build on. */
export interface Compiled {
  readonly snapshot: Snapshot;
  /** By name. */
  readonly fleets: ReadonlyMap<string, FleetIr>;
  readonly listeners: ReadonlyMap<string, CompiledListener>;
  readonly canaries: CanaryIndex;
}

/** A compiler with a memory of its own. What it remembers saves work and changes no result. */
export interface Compiler {
  /** Compiles a model. `previous` is any earlier result (it only saves work) or null. */
  readonly compileSteps: (snapshot: Snapshot, previous: Compiled | null) => Steps<Compiled>;
  /** The same fleet with `VirtualHostIr.groups` filled in. */
  readonly withPathGroupsSteps: (fleet: FleetIr) => Steps<FleetIr>;
}

/** A compiler that remembers nothing yet. */
export function createCompiler(): Compiler {
  const memory = createMemory();
  return {
    compileSteps: (snapshot, previous) => compileSteps({ snapshot, previous, memory }),
    withPathGroupsSteps: (fleet) => withPathGroupsSteps(fleet, memory),
  };
}

interface Run {
  readonly snapshot: Snapshot;
  readonly previous: Compiled | null;
  readonly memory: CompilerMemory;
}

function* compileSteps(run: Run): Steps<Compiled> {
  const { snapshot, previous, memory } = run;
  if (previous?.snapshot === snapshot) return previous;
  const canaries = indexCanaries(snapshot, previous?.canaries ?? null);
  const changed = yield* changedRoutes(run, canaries);
  const listeners = new Map<string, CompiledListener>();
  for (const [name, listener] of snapshot.listener) {
    const before = previous?.listeners.get(name);
    const reusable = before !== undefined && sameSurface(before, listener, memory) ? before : null;
    const changes = reusable === null ? yield* routesOf(run, canaries, name) : changed;
    listeners.set(name, yield* compileListener({ listener, before: reusable, changes }, memory));
    yield;
  }
  const fleets = new Map<string, FleetIr>();
  const preferences = yield* preferencesOf(snapshot, memory);
  for (const name of [...snapshot.fleet.keys()].sort()) {
    const fleet = snapshot.fleet.get(name) as Resource<"fleet">;
    const before = previous?.fleets.get(name) ?? null;
    fleets.set(name, yield* compileFleet({ fleet, snapshot, listeners, preferences, previous: before }, memory));
  }
  return Object.freeze({ snapshot, fleets, listeners, canaries });
}

function* changedRoutes({ snapshot, previous, memory }: Run, canaries: CanaryIndex): Steps<readonly RouteChange[]> {
  if (previous === null) return [];
  const names = new Set([
    ...changedKeys(previous.snapshot.route, snapshot.route),
    ...changedKeys(previous.canaries, canaries),
  ]);
  const changes: RouteChange[] = [];
  for (const name of names) {
    const before = compiledRoute(previous, { name, before: null }, memory);
    const after = compiledRoute({ snapshot, canaries }, { name, before }, memory);
    changes.push({ before, after });
    yield;
  }
  return changes;
}

function compiledRoute(
  { snapshot, canaries }: Pick<Compiled, "snapshot" | "canaries">,
  { name, before }: { readonly name: string; readonly before: CompiledRoute | null },
  memory: CompilerMemory,
): CompiledRoute | null {
  const route = snapshot.route.get(name);
  if (route === undefined) return null;
  const rules = rulesOfRoute({ route, canaries: canaries.get(name), before: before?.rules ?? null }, memory);
  return { route, rules };
}

/** Whether what was compiled for a listener of this name still stands on the same ground. */
function sameSurface(before: CompiledListener, { body }: Resource<"listener">, memory: CompilerMemory): boolean {
  const isSameHost = before.hostname === (body.hostname ?? null) && before.protocol === body.protocol;
  return isSameHost && redirectRule(body, before.redirect, memory) === before.redirect;
}

function* routesOf({ snapshot, memory }: Run, canaries: CanaryIndex, listener: string): Steps<readonly RouteChange[]> {
  const changes: RouteChange[] = [];
  let index = 0;
  for (const route of snapshot.route.values()) {
    if (shouldYield(index++)) yield;
    if (!route.body.listeners.includes(listener)) continue;
    const rules = rulesOfRoute({ route, canaries: canaries.get(route.name), before: null }, memory);
    changes.push({ before: null, after: { route, rules } });
  }
  return changes;
}
