/** What one listener does. A change costs the hosts that its routes serve. */
import type { SourceIr, SplitIr } from "../../ir/index.ts";
import { effectiveHostnames, type Listener, type Resource } from "../../model/index.ts";
import { compareText, patchSortedSteps } from "../../util/sorted.ts";
import { type Steps, shouldYield } from "../../util/steps.ts";
import type { CompilerMemory } from "../memory.ts";
import { sourceOf } from "../source.ts";
import type { CompiledRoute, RouteChange } from "./changes.ts";
import { type HostPatch, type Hosts, NO_HOSTS, patchHosts } from "./hosts.ts";

/** What a listener does, whatever fleet opens it. */
export interface CompiledListener {
  readonly hostname: string | null;
  readonly protocol: "HTTP" | "TCP";
  /** None for TCP. */
  readonly hosts: Hosts;
  /** Of the listener's TCP route; empty: none. */
  readonly split: SplitIr;
  /** Its routes, ascending by name. */
  readonly sources: readonly SourceIr[];
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
  const serves = (route: CompiledRoute | null): CompiledRoute | null =>
    route?.route.body.listeners.includes(listener.name) ? route : null;
  const mine = changes
    .map((change) => ({ before: serves(change.before), after: serves(change.after) }))
    .filter((change) => change.before !== null || change.after !== null);
  if (before !== null && mine.length === 0) return before;
  const { protocol, hostname = null } = listener.body;
  const base = before ?? { hosts: NO_HOSTS, split: [], sources: [], hostname, protocol };
  const removed = mine.flatMap((change) => change.before ?? []);
  const added = mine.flatMap((change) => change.after ?? []);
  yield;
  const sources = yield* patchSortedSteps(base.sources, {
    remove: removed.map(({ route }) => sourceOf(route, memory)),
    add: added.map(({ route }) => sourceOf(route, memory)),
    compare: (a, b) => compareText(a.name, b.name),
  });
  if (protocol === "TCP") return Object.freeze({ ...base, split: tcpSplit(base, sources, added), sources });
  const touched = yield* touchedHosts(listener.body, removed, added);
  return Object.freeze({ ...base, hosts: yield* patchHosts(base.hosts, touched, memory), sources });
}

function tcpSplit(base: CompiledListener, sources: readonly SourceIr[], added: readonly CompiledRoute[]): SplitIr {
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
  for (const [index, compiled] of [...removed, ...added].entries()) {
    const list = index < removed.length ? "remove" : "add";
    for (const host of effectiveHostnames(compiled.route.body, listener)) {
      const patch = touched.get(host) ?? { remove: [], add: [] };
      patch[list].push(compiled);
      touched.set(host, patch);
    }
    if (shouldYield(index)) yield;
  }
  return touched;
}
