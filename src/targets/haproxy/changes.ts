/**
 * What rules change in the requests and answers of a cluster: lines of its backend, where no other cluster's requests pay for
 * them. A line for each rule while they are few, a map for each thing that many rules change.
 */
import type { RuleIr } from "../../ir/index.ts";
import { createRuns } from "../../util/runs.ts";
import { type Steps, shouldYield } from "../../util/steps.ts";
import type { TemplateSet } from "../../util/templates.ts";
import { isAnswered } from "./answers.ts";
import { changesMap, changingRules, ruleKey } from "./names.ts";
import { type Change, changesOf } from "./policies/index.ts";
import { comment, file, mapKey, mapLine, mapValue, rule } from "./quote.ts";

/**
 * Up to so many rules that change one thing of a cluster get a line each. A line costs 0.7 thousand instructions where it does
 * not apply and 1.9 where it does, a map 0.7 and 2.9, however many rules stand in it (HAProxy 2.6, callgrind).
 */
const MAX_RULES_IN_LINES = 3;
/**
 * With more lines than this a backend lets other rules' requests pass them: 0.9 thousand instructions, and as much for the answer,
 * in place of 0.7 a line.
 */
const MAX_OPEN_LINES = 4;
const RULES_IN_RUN = 64;

/** One rule's change; `place` is its place among the rule's changes. */
interface OwnChange {
  readonly key: string;
  readonly place: number;
  readonly change: Change;
}

/** What some rules change of one thing. */
interface GroupChanges {
  readonly rules: number;
  /** Of the first rules, as many as can have lines and one more. */
  readonly first: readonly OwnChange[];
  /** By map: its lines, and a change of it. */
  readonly maps: ReadonlyMap<string, { readonly lines: string; readonly change: Change }>;
}

/** What some rules change in one cluster. */
export interface ClusterChanges {
  /** Their names, a line each. */
  readonly rules: string;
  readonly groups: ReadonlyMap<string, GroupChanges>;
}

interface GroupBuilder {
  rules: number;
  last: string;
  readonly first: OwnChange[];
  readonly maps: Map<string, { lines: string; readonly change: Change }>;
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
  const clusters = new Map<string, { rules: string; readonly groups: Map<string, GroupBuilder> }>();
  for (const [index, owner] of rules.entries()) {
    if (shouldYield(index)) yield;
    const { action } = owner;
    if (action.kind !== "forward" || isAnswered(owner)) continue;
    const changes = changesOf(owner);
    if (changes.length === 0) continue;
    const key = ruleKey(owner);
    for (const { cluster } of action.split) {
      const own = clusters.get(cluster) ?? { rules: "", groups: new Map<string, GroupBuilder>() };
      clusters.set(cluster, own);
      own.rules += `${mapKey(key)}\n`;
      for (const [place, change] of changes.entries()) addChange(own.groups, { key, place, change });
    }
  }
  return clusters;
}

function addChange(groups: Map<string, GroupBuilder>, own: OwnChange): void {
  const { key, change } = own;
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

/** The lines of a backend, and the files that they name. */
export function changesText(
  cluster: string,
  parts: readonly ClusterChanges[],
  section: TemplateSet["render"],
): { readonly text: string; readonly files: ReadonlyMap<string, string> } {
  const groups = joinGroups(parts);
  const few = [...groups.values()].filter(({ rules }) => rules <= MAX_RULES_IN_LINES).flatMap(({ first }) => first);
  const many = [...groups.values()].filter(({ rules }) => rules > MAX_RULES_IN_LINES).flatMap(({ maps }) => [...maps]);
  const files = new Map<string, string>();
  const rulesFile = changingRules(cluster);
  const isLong = few.length + many.length > MAX_OPEN_LINES;
  if (isLong) files.set(rulesFile, parts.map(({ rules }) => rules).join(""));
  const texts = [section("changesStart", { rules: isLong ? file(rulesFile) : null })];
  for (const changes of byRule(few)) {
    const [{ key }] = changes;
    const words = changes.map(({ change }) => change.comment).filter((word) => word !== null);
    texts.push(
      section("changesOfRule", { key: comment(key), what: words.length > 0 ? comment(words.join("; ")) : null }),
    );
    for (const { change } of changes) {
      texts.push(section(change.template, { ...change.view, rule: rule(key), map: null }));
    }
  }
  many.sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [name, { lines, change }] of many) {
    const path = changesMap(cluster, name);
    files.set(path, lines);
    texts.push(section(change.template, { ...change.view, rule: null, map: file(path) }));
  }
  return { text: texts.join(""), files };
}

function joinGroups(parts: readonly ClusterChanges[]): ReadonlyMap<string, GroupChanges> {
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

/** Ascending by rule; a rule's changes in their order. */
function byRule(changes: readonly OwnChange[]): readonly (readonly [OwnChange, ...OwnChange[]])[] {
  const found = new Map<string, [OwnChange, ...OwnChange[]]>();
  for (const own of changes) {
    const list = found.get(own.key);
    if (list === undefined) found.set(own.key, [own]);
    else list.push(own);
  }
  const lists = [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, list]) => list);
  for (const list of lists) list.sort((a, b) => a.place - b.place);
  return lists;
}
