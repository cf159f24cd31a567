/** The virtual hosts of one listener. A change costs the hosts that its routes serve. */
import type { RuleIr, SourceIr, SplitIr, VirtualHostIr } from "../../ir/index.ts";
import { effectiveHostnames, type Listener, type Resource } from "../../model/index.ts";
import { contentHash } from "../../util/hash.ts";
import { compareText, patchSortedSteps } from "../../util/sorted.ts";
import { due, type Steps } from "../../util/steps.ts";
import type { CompiledRoute, RouteChange } from "../compile.ts";
import { sourceOf } from "../source.ts";
import { compareRules, orderRegexes } from "./precedence.ts";
import { deriveClusters } from "./used.ts";

/** What a listener does, whatever fleet opens it. */
export interface CompiledListener {
  readonly hostname: string | null;
  readonly protocol: "HTTP" | "TCP";
  /** By hostname. Empty for TCP. */
  readonly hosts: ReadonlyMap<string, VirtualHostIr>;
  /** The same, ascending by hostname. */
  readonly hostList: readonly VirtualHostIr[];
  /** Of the listener's TCP route; empty: none. */
  readonly split: SplitIr;
  /** Its routes, ascending by name. */
  readonly sources: readonly SourceIr[];
}

const NOTHING = { hosts: new Map<string, VirtualHostIr>(), hostList: [], split: [], sources: [] };
const HOST_ID_DIGITS = 12;

/** Applies route changes to what the listener was before (or to nothing). The same object comes back when none concerns it. */
export function* compileListener(
  listener: Resource<"listener">,
  before: CompiledListener | null,
  changes: readonly RouteChange[],
): Steps<CompiledListener> {
  const serves = (route: CompiledRoute | null): CompiledRoute | null =>
    route?.route.body.listeners.includes(listener.name) ? route : null;
  const mine = changes
    .map((change) => ({ before: serves(change.before), after: serves(change.after) }))
    .filter((change) => change.before !== null || change.after !== null);
  if (before !== null && mine.length === 0) return before;
  const { protocol, hostname = null } = listener.body;
  const base = before ?? { ...NOTHING, hostname, protocol };
  const removed = mine.flatMap((change) => change.before ?? []);
  const added = mine.flatMap((change) => change.after ?? []);
  yield;
  const sources = yield* patchSortedSteps(base.sources, {
    remove: removed.map(({ route }) => sourceOf(route)),
    add: added.map(({ route }) => sourceOf(route)),
    compare: (a, b) => compareText(a.name, b.name),
  });
  if (protocol === "TCP") return Object.freeze({ ...base, split: tcpSplit(base, sources, added), sources });
  return Object.freeze({ ...base, ...(yield* patchHosts(base, listener.body, { removed, added })), sources });
}

function tcpSplit(base: CompiledListener, sources: readonly SourceIr[], added: readonly CompiledRoute[]): SplitIr {
  const action = added[0]?.rules[0]?.action;
  if (action?.kind === "forward") return action.split;
  return sources.length > 0 ? base.split : [];
}

interface Patch {
  readonly removed: readonly CompiledRoute[];
  readonly added: readonly CompiledRoute[];
}

function* patchHosts(
  base: CompiledListener,
  listener: Listener,
  patch: Patch,
): Steps<Pick<CompiledListener, "hosts" | "hostList">> {
  const touched = yield* touchedHosts(listener, patch);
  const hosts = new Map(base.hosts);
  for (const [host, { remove, add }] of touched) {
    yield;
    const old = hosts.get(host);
    const before = old === undefined ? [] : inRuleOrder(old);
    const rules = yield* patchSortedSteps(before, { remove, add, compare: compareRules });
    if (rules.length === 0) {
      hosts.delete(host);
      continue;
    }
    const next = yield* virtualHost(host, rules);
    if (old !== undefined) deriveClusters(next, old, { remove, add });
    hosts.set(host, next);
  }
  const hostList = yield* patchSortedSteps(base.hostList, {
    remove: [...touched.keys()].flatMap((host) => base.hosts.get(host) ?? []),
    add: [...touched.keys()].flatMap((host) => hosts.get(host) ?? []),
    compare: (a, b) => compareText(a.hostname, b.hostname),
  });
  return { hosts, hostList };
}

interface HostPatch {
  readonly remove: RuleIr[];
  readonly add: RuleIr[];
}

/** What changes in each host. */
function* touchedHosts(listener: Listener, { removed, added }: Patch): Steps<ReadonlyMap<string, HostPatch>> {
  const touched = new Map<string, HostPatch>();
  for (const [index, { route, rules }] of [...removed, ...added].entries()) {
    const list = index < removed.length ? "remove" : "add";
    for (const host of effectiveHostnames(route.body, listener)) {
      const patch = touched.get(host) ?? { remove: [], add: [] };
      patch[list].push(...rules);
      touched.set(host, patch);
    }
    if (due(index)) yield;
  }
  return touched;
}

/** Rules in `compareRules` order of hosts where the final order is another one. */
const beforeRegexOrder = new WeakMap<VirtualHostIr, readonly RuleIr[]>();

function inRuleOrder(host: VirtualHostIr): readonly RuleIr[] {
  return beforeRegexOrder.get(host) ?? host.rules;
}

/** A virtual host from rules in `compareRules` order. */
export function* virtualHost(hostname: string, rules: readonly RuleIr[]): Steps<VirtualHostIr> {
  const ordered = yield* orderRegexes(rules);
  const host: VirtualHostIr = Object.freeze({
    id: `v${contentHash(hostname).slice(0, HOST_ID_DIGITS)}`,
    hostname,
    rules: ordered,
    groups: null,
  });
  if (ordered !== rules) beforeRegexOrder.set(host, rules);
  return host;
}
