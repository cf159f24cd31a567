/** The virtual hosts of one listener. A change costs the hosts that its routes serve. */
import type { RuleIr, SourceIr, SplitIr, VirtualHostIr } from "../../ir/index.ts";
import { effectiveHostnames, type Listener, type Resource } from "../../model/index.ts";
import { contentHash } from "../../util/hash.ts";
import { compareText, patchSorted } from "../../util/sorted.ts";
import type { RouteChange } from "../compile.ts";
import { sourceOf } from "../source.ts";
import { compareRules, orderRegexes } from "./precedence.ts";

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
export function compileListener(
  listener: Resource<"listener">,
  before: CompiledListener | null,
  changes: readonly RouteChange[],
): CompiledListener {
  const hostname = listener.body.hostname ?? null;
  const serves = (route: Resource<"route"> | null | undefined): boolean =>
    route?.body.listeners.includes(listener.name) ?? false;
  const mine = changes.filter(({ before: old, after }) => serves(old) || serves(after?.route));
  if (before !== null && mine.length === 0) return before;
  const base = before ?? { ...NOTHING, hostname, protocol: listener.body.protocol };
  const names = new Set(mine.map(({ name }) => name));
  const kept = mine.flatMap(({ after }) => (after !== null && serves(after.route) ? [after] : []));
  const sources = patchSorted(base.sources, {
    drop: ({ name }) => names.has(name),
    add: kept.map(({ route }) => sourceOf(route)),
    compare: (a, b) => compareText(a.name, b.name),
  });
  if (listener.body.protocol === "TCP") return Object.freeze({ ...base, split: tcpSplit(base, names, kept), sources });
  return Object.freeze({ ...base, ...patchHosts(base, listener.body, mine), sources });
}

type Kept = NonNullable<RouteChange["after"]>;

function tcpSplit(base: CompiledListener, names: ReadonlySet<string>, kept: readonly Kept[]): SplitIr {
  const action = kept[0]?.rules[0]?.action;
  if (action?.kind === "forward") return action.split;
  return base.sources.some(({ name }) => !names.has(name)) ? base.split : [];
}

function patchHosts(
  base: CompiledListener,
  listener: Listener,
  mine: readonly RouteChange[],
): Pick<CompiledListener, "hosts" | "hostList"> {
  const drop = new Set(mine.map(({ name }) => name));
  const added = new Map<string, RuleIr[]>();
  const touch = (host: string): RuleIr[] => {
    const list = added.get(host) ?? [];
    added.set(host, list);
    return list;
  };
  for (const { before, after } of mine) {
    if (before !== null) for (const host of effectiveHostnames(before.body, listener)) touch(host);
    if (after === null || !after.route.body.listeners.some((name) => name === listener.name)) continue;
    for (const host of effectiveHostnames(after.route.body, listener)) touch(host).push(...after.rules);
  }
  const hosts = new Map(base.hosts);
  for (const [host, add] of added) {
    const rules = patchSorted(base.hosts.get(host)?.rules ?? [], {
      drop: ({ route }) => drop.has(route),
      add,
      compare: compareRules,
    });
    if (rules.length === 0) hosts.delete(host);
    else hosts.set(host, virtualHost(host, rules));
  }
  const hostList = patchSorted(base.hostList, {
    drop: ({ hostname }) => added.has(hostname),
    add: [...added.keys()].flatMap((host) => hosts.get(host) ?? []),
    compare: (a, b) => compareText(a.hostname, b.hostname),
  });
  return { hosts, hostList };
}

/** A virtual host from rules in `compareRules` order. */
export function virtualHost(hostname: string, rules: RuleIr[]): VirtualHostIr {
  return Object.freeze({
    id: `v${contentHash(hostname).slice(0, HOST_ID_DIGITS)}`,
    hostname,
    rules: Object.freeze(orderRegexes(rules)),
    groups: null,
  });
}
