/** What one listener does. A change costs the hosts that its routes serve. */
import type { RuleIr, SourceIr, SplitIr, VirtualHostIr } from "../../ir/index.ts";
import { effectiveHostnames, type Listener, type Resource } from "../../model/index.ts";
import { compareText, patchSortedSteps } from "../../util/sorted.ts";
import { type Steps, shouldYield } from "../../util/steps.ts";
import type { CompilerMemory } from "../memory.ts";
import { sourceOf } from "../source.ts";
import type { CompiledRoute, HostPatch, RouteChange } from "./changes.ts";
import { type Hosts, NO_HOSTS, patchHosts } from "./hosts.ts";
import { challengesOf, redirectedHosts, redirectRule } from "./redirectToHttps.ts";

/** What a listener does, whatever fleet opens it. */
export interface CompiledListener {
  readonly hostname: string | null;
  readonly protocol: Listener["protocol"];
  /** Of HTTP: what its routes serve. */
  readonly hosts: Hosts;
  /** What takes all other requests; null: nothing does. */
  readonly redirect: RuleIr | null;
  /** `hosts`, with what takes all other requests. Ascending by first hostname. */
  readonly served: readonly VirtualHostIr[];
  /** Of the listener's TCP or UDP route; empty: none. */
  readonly split: SplitIr;
  /** Of TLS: its routes, ascending by name. */
  readonly passed: readonly PassedRoute[];
  /** Its routes, ascending by name. */
  readonly sources: readonly SourceIr[];
}

/** A route of a TLS listener. */
export interface PassedRoute {
  readonly name: string;
  /** Cut to the listener's hostname; `*`: any. */
  readonly hostnames: readonly string[];
  readonly split: SplitIr;
}

export interface ListenerInput {
  readonly listener: Resource<"listener">;
  /** What the listener was before, or null. */
  readonly before: CompiledListener | null;
  readonly changes: readonly RouteChange[];
}

/** Applies route changes to what the listener was. The same object comes back when none concerns it. */
export function* compileListener(input: ListenerInput, memory: CompilerMemory): Steps<CompiledListener> {
  const { listener, before, changes } = input;
  const redirect = redirectRule(listener.body, before?.redirect, memory);
  const removed: CompiledRoute[] = [];
  const added: CompiledRoute[] = [];
  for (const change of changes) {
    if (change.before?.route.body.listeners.includes(listener.name)) removed.push(change.before);
    if (change.after?.route.body.listeners.includes(listener.name)) added.push(change.after);
  }
  if (before !== null && removed.length + added.length === 0) return before;
  const { protocol, hostname = null } = listener.body;
  const base = before ?? {
    hosts: NO_HOSTS,
    redirect,
    served: [],
    split: [],
    passed: [],
    sources: [],
    hostname,
    protocol,
  };
  yield;
  const sources = yield* patchSortedSteps(base.sources, {
    remove: removed.map(({ route }) => sourceOf(route, memory)),
    add: added.map(({ route }) => sourceOf(route, memory)),
    compare: (a, b) => compareText(a.name, b.name),
  });
  if (protocol === "TLS") {
    const add = added.map((compiled) => passedRoute(compiled, listener.body));
    const remove = removed.map((compiled) => passedRoute(compiled, listener.body));
    const passed = yield* patchSortedSteps(base.passed, { remove, add, compare: byName });
    return Object.freeze({ ...base, passed, sources });
  }
  if (protocol !== "HTTP" && protocol !== "HTTPS")
    return Object.freeze({ ...base, split: onlySplit(base, sources, added), sources });
  if (redirect === null) {
    const touched = yield* touchedHosts(listener.body, removed, added);
    const hosts = yield* patchHosts(base.hosts, touched, memory);
    return Object.freeze({ ...base, hosts, served: hosts.list, sources });
  }
  const touched = yield* touchedHosts(listener.body, challengesOf(removed), challengesOf(added));
  const hosts = yield* patchHosts(base.hosts, touched, memory);
  const served = yield* redirectedHosts(hosts, { rule: redirect, hostname, before: base.served });
  return Object.freeze({ ...base, hosts, served, sources });
}

function byName(a: PassedRoute, b: PassedRoute): number {
  return compareText(a.name, b.name);
}

function passedRoute({ route, rules }: CompiledRoute, listener: Listener): PassedRoute {
  const action = rules[0]?.action;
  const split = action?.kind === "forward" ? action.split : [];
  return { name: route.name, hostnames: effectiveHostnames(route.body, listener), split };
}

function onlySplit(base: CompiledListener, sources: readonly SourceIr[], added: readonly CompiledRoute[]): SplitIr {
  const action = added[0]?.rules[0]?.action;
  if (action?.kind === "forward") return action.split;
  return sources.length > 0 ? base.split : [];
}

/** What changes in each host. */
function* touchedHosts(
  listener: Listener,
  removed: readonly CompiledRoute[],
  added: readonly CompiledRoute[],
): Steps<ReadonlyMap<string, HostPatch>> {
  const touched = new Map<string, HostPatch>();
  const count = removed.length + added.length;
  for (let index = 0; index < count; index++) {
    const isAdded = index >= removed.length;
    const compiled = (isAdded ? added[index - removed.length] : removed[index]) as CompiledRoute;
    for (const host of effectiveHostnames(compiled.route.body, listener)) {
      const known = touched.get(host);
      const patch = known ?? { remove: [], add: [] };
      if (known === undefined) touched.set(host, patch);
      (isAdded ? patch.add : patch.remove).push(compiled);
    }
    if (shouldYield(index)) yield;
  }
  return touched;
}
