/** What rules change in the requests and answers of each cluster, gathered: by thing, as `response x-rule`. */
import type { RetryIr, RuleIr } from "../../ir/index.ts";
import { createRuns } from "../../util/runs.ts";
import { type Steps, shouldYield } from "../../util/steps.ts";
import { isAnswered } from "./answers.ts";
import type { RuleForm } from "./cluster/ruleBackend.ts";
import { ruleKey } from "./names.ts";
import { type Change, changesOf } from "./policies/index.ts";
import { mapKey, mapLine, mapValue } from "./quote.ts";

/** Up to so many rules that change one thing of a cluster are known one by one; see changePlan.ts. */
export const MAX_RULES_IN_LINES = 3;
const RULES_IN_RUN = 64;

/** A rule's change: the one at `place` of `all` that the rule has. */
export interface OwnChange {
  readonly key: string;
  readonly all: readonly Change[];
  readonly place: number;
  /** What of the rule decides where its changes stand. */
  readonly form: RuleForm;
}

/** What some rules change of one thing. */
export interface GroupChanges {
  readonly rules: number;
  /** Of the first rules, as many as can have lines. */
  readonly first: readonly OwnChange[];
  /** By map: its lines, and a change of it. */
  readonly maps: ReadonlyMap<string, { readonly lines: string; readonly change: Change }>;
}

/** What some rules change in one cluster. */
export interface ClusterChanges {
  /** Their names, a line each. */
  readonly rules: string;
  readonly groups: ReadonlyMap<string, GroupChanges>;
  /** What they say of trying again. */
  readonly retries: ReadonlySet<RetryIr>;
  /** Some of them take calls of gRPC. */
  readonly calls: boolean;
}

interface GroupBuilder {
  rules: number;
  last: string;
  readonly first: OwnChange[];
  readonly maps: Map<string, { lines: string; readonly change: Change }>;
}

interface ChangesBuilder {
  rules: string;
  readonly groups: Map<string, GroupBuilder>;
  readonly retries: Set<RetryIr>;
  calls: boolean;
}

function newGroup(): GroupBuilder {
  return { rules: 0, last: "", first: [], maps: new Map() };
}

/** By cluster, run by run of rules. */
export type ChangesReader = (rules: readonly RuleIr[]) => Steps<ReadonlyMap<string, readonly ClusterChanges[]>>;

/** A reader with a memory of its own: equal runs give the same objects. */
export function createChangesReader(): ChangesReader {
  const runs = createRuns({
    length: RULES_IN_RUN,
    idOf: ({ id }: RuleIr) => id,
    make: changesOfRun,
    holds: () => true,
  });
  return function* read(rules) {
    const found = new Map<string, ClusterChanges[]>();
    for (const [index, run] of (yield* runs(rules, null)).entries()) {
      for (const [cluster, changes] of run) {
        const list = found.get(cluster);
        if (list === undefined) found.set(cluster, [changes]);
        else list.push(changes);
      }
      if (shouldYield(index)) yield;
    }
    return found;
  };
}

function* changesOfRun(rules: readonly RuleIr[], _: null): Steps<ReadonlyMap<string, ClusterChanges>> {
  const clusters = new Map<string, ChangesBuilder>();
  for (const [index, owner] of rules.entries()) {
    if (shouldYield(index)) yield;
    const { action, protocol } = owner;
    if (action.kind !== "forward" || isAnswered(owner)) continue;
    const changes = changesOf(owner);
    const { retry } = owner.policies;
    if (changes.length === 0 && retry === null && protocol === "http") continue;
    const key = ruleKey(owner);
    for (const { cluster } of action.split) {
      const own = clusters.get(cluster) ?? { rules: "", groups: new Map(), retries: new Set(), calls: false };
      clusters.set(cluster, own);
      if (changes.length > 0) own.rules += `${mapKey(key)}\n`;
      if (protocol === "grpc") own.calls = true;
      else if (retry !== null) own.retries.add(retry);
      for (const place of changes.keys())
        addChange(own.groups, { key, all: changes, place, form: { protocol, retry } });
    }
  }
  return clusters;
}

function addChange(groups: Map<string, GroupBuilder>, own: OwnChange): void {
  const { key } = own;
  const change = own.all[own.place] as Change;
  const group = groups.get(change.group) ?? newGroup();
  groups.set(change.group, group);
  if (group.last !== key) group.rules++;
  group.last = key;
  if (group.rules <= MAX_RULES_IN_LINES) group.first.push(own);
  const line = mapLine(mapKey(key), mapValue(change.value));
  const map = group.maps.get(change.map);
  if (map === undefined) group.maps.set(change.map, { lines: line, change });
  else map.lines += line;
}

/** All that rules change in a cluster. */
export function joinGroups(parts: readonly ClusterChanges[]): ReadonlyMap<string, GroupChanges> {
  const joined = new Map<string, GroupBuilder>();
  for (const { groups } of parts) {
    for (const [name, { rules, first, maps }] of groups) {
      const group = joined.get(name) ?? newGroup();
      joined.set(name, group);
      group.rules += rules;
      if (group.rules <= MAX_RULES_IN_LINES) group.first.push(...first);
      for (const [map, { lines, change }] of maps) {
        const known = group.maps.get(map);
        if (known === undefined) group.maps.set(map, { lines, change });
        else known.lines += lines;
      }
    }
  }
  return joined;
}
