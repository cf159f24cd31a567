/**
 * The hosts of one listener in groups: hosts that the same routes serve have the same rules, which stand once. A change costs
 * the groups that its routes touch.
 */
import type { RuleIr, VirtualHostIr } from "../../ir/index.ts";
import { compareText, patchSortedSteps } from "../../util/sorted.ts";
import { type Steps, shouldYield } from "../../util/steps.ts";
import type { CompilerMemory } from "../memory.ts";
import { reuseList, reuseParent } from "../reuse.ts";
import type { HostPatch } from "./changes.ts";
import { compareRules, orderRegexes } from "./precedence.ts";
import { changedSet, EMPTY_SET, type RouteSet, routeSetKey } from "./routeSet.ts";
import { deriveClusters } from "./used.ts";

/** Hosts that the same routes serve. */
export interface HostGroup {
  readonly routes: RouteSet;
  /** Of `routes`. */
  readonly key: string;
  /** In `compareRules` order. */
  readonly declared: readonly RuleIr[];
  readonly host: VirtualHostIr;
}

/** The hosts of a listener. */
export interface Hosts {
  readonly groupOf: ReadonlyMap<string, HostGroup>;
  readonly byKey: ReadonlyMap<string, HostGroup>;
  /** Ascending by first hostname. */
  readonly list: readonly VirtualHostIr[];
}

/** No hosts. */
export const NO_HOSTS: Hosts = { groupOf: new Map(), byKey: new Map(), list: [] };

/** Hosts after a change. `touched` has every host that a changed route served or serves. */
export function* patchHosts(
  base: Hosts,
  touched: ReadonlyMap<string, HostPatch>,
  memory: CompilerMemory,
): Steps<Hosts> {
  const drafts = yield* draftsOf(base, touched);
  const groupOf = new Map(base.groupOf);
  const byKey = new Map(base.byKey);
  const remove = new Set<VirtualHostIr>();
  const add: VirtualHostIr[] = [];
  for (const hostname of touched.keys()) {
    const old = base.groupOf.get(hostname);
    groupOf.delete(hostname);
    if (old === undefined) continue;
    byKey.delete(old.key);
    remove.add(old.host);
  }
  for (const draft of drafts.values()) {
    yield;
    const group = yield* groupFrom(draft, base, memory);
    if (draft.standing !== null) remove.add(draft.standing.host);
    for (const hostname of group.host.hostnames) groupOf.set(hostname, group);
    byKey.set(group.key, group);
    add.push(group.host);
  }
  const kept = new Set(add);
  const compare = (a: VirtualHostIr, b: VirtualHostIr): number => compareText(firstOf(a), firstOf(b));
  const gone = [...remove].filter((host) => !kept.has(host));
  const there = new Set(remove);
  const fresh = add.filter((host) => !there.has(host));
  return { groupOf, byKey, list: yield* patchSortedSteps(base.list, { remove: gone, add: fresh, compare }) };
}

function firstOf({ hostnames }: VirtualHostIr): string {
  return hostnames[0] as string;
}

/** A group that is to be: hosts that come to it, and what it stands on. */
interface Draft {
  readonly routes: RouteSet;
  /** Hosts that are not in `standing`. */
  readonly hostnames: string[];
  /** The group of these routes that no change of a route touches, with the hosts that stay in it. */
  standing: HostGroup | null;
  staying: readonly string[];
  /** How one of the hosts comes to its rules; with `standing` there is nothing to do. */
  readonly origin: { readonly before: HostGroup | undefined; readonly patch: HostPatch };
}

function* draftsOf(base: Hosts, touched: ReadonlyMap<string, HostPatch>): Steps<Map<string, Draft>> {
  const drafts = new Map<string, Draft>();
  const left = new Map<string, { group: HostGroup; gone: Set<string> }>();
  let index = 0;
  for (const [hostname, patch] of touched) {
    const before = base.groupOf.get(hostname);
    const routes = changedSet(before?.routes ?? EMPTY_SET, patch);
    if (before !== undefined) {
      const entry = left.get(before.key) ?? { group: before, gone: new Set<string>() };
      entry.gone.add(hostname);
      left.set(before.key, entry);
    }
    if (routes.size > 0) {
      const key = routeSetKey(routes);
      const draft = drafts.get(key);
      if (draft !== undefined) draft.hostnames.push(hostname);
      else drafts.set(key, { routes, hostnames: [hostname], standing: null, staying: [], origin: { before, patch } });
    }
    if (shouldYield(index++)) yield;
  }
  joinStanding(drafts, base, left);
  return drafts;
}

/** Groups that keep some hosts, lose some or gain some without a change of their rules. */
function joinStanding(
  drafts: Map<string, Draft>,
  base: Hosts,
  left: ReadonlyMap<string, { group: HostGroup; gone: ReadonlySet<string> }>,
): void {
  for (const [key, { group, gone }] of left) {
    const staying = group.host.hostnames.filter((hostname) => !gone.has(hostname));
    if (staying.length === 0) continue;
    const draft = drafts.get(key);
    const none = { before: group, patch: { remove: [], add: [] } };
    if (draft === undefined)
      drafts.set(key, { routes: group.routes, hostnames: [], standing: group, staying, origin: none });
    else Object.assign(draft, { standing: group, staying });
  }
  for (const [key, draft] of drafts) {
    const group = draft.standing === null && !left.has(key) ? base.byKey.get(key) : undefined;
    if (group !== undefined) Object.assign(draft, { standing: group, staying: group.host.hostnames });
  }
}

function* groupFrom(draft: Draft, base: Hosts, memory: CompilerMemory): Steps<HostGroup> {
  const { routes, standing, origin } = draft;
  const key = routeSetKey(routes);
  const hostnames = [...draft.staying, ...draft.hostnames].sort(compareText);
  // The group that the first host was in: where only rules changed it is the same group as before.
  const old = base.groupOf.get(hostnames[0] as string);
  if (standing !== null) {
    const host = reuseParent<VirtualHostIr>(old?.host, { hostnames, rules: standing.host.rules, groups: null });
    return { routes, key, declared: standing.declared, host };
  }
  const before = origin.before?.declared ?? [];
  const remove = origin.patch.remove.flatMap(({ rules }) => rules);
  const add = origin.patch.add.flatMap(({ rules }) => rules);
  const patched = yield* patchSortedSteps(before, { remove, add, compare: compareRules });
  const declared = reuseList(before, patched);
  const rules = reuseList(origin.before?.host.rules, yield* orderRegexes(declared));
  if (origin.before !== undefined && rules !== origin.before.host.rules)
    deriveClusters(rules, { before: origin.before.host.rules, remove, add }, memory);
  return { routes, key, declared, host: reuseParent<VirtualHostIr>(old?.host, { hostnames, rules, groups: null }) };
}
