/**
 * Which rule of a host comes first (l7.md 4.3): exact before regex before prefix; longer pattern; for regexes the pattern
 * that is declared first; the conditions (fields.ts); the route's name; the place in the route.
 */
import type { RuleIr } from "../../ir/index.ts";
import { compareText, sortedSteps } from "../../util/sorted.ts";
import type { Steps } from "../../util/steps.ts";
import { compareConditions } from "../fields.ts";

const KIND_RANK = { exact: 0, regex: 1, prefix: 2 } as const;

/** Order of two rules. For regexes of equal length it does not yet look at which pattern was declared first. */
export function compareRules(a: RuleIr, b: RuleIr): number {
  return comparePaths(a, b) || compareText(a.path.value, b.path.value) || compareWithinPath(a, b);
}

function comparePaths(a: RuleIr, b: RuleIr): number {
  return KIND_RANK[a.path.kind] - KIND_RANK[b.path.kind] || b.path.value.length - a.path.value.length;
}

function compareWithinPath(a: RuleIr, b: RuleIr): number {
  return compareConditions(a.conditions, b.conditions).order || compareDeclared(a, b);
}

/** Routes are a set, ordered by name; within a route the written order counts. */
function compareDeclared(a: RuleIr, b: RuleIr): number {
  if (a.route !== b.route) return compareText(a.route, b.route);
  const [ruleA, matchA] = place(a);
  const [ruleB, matchB] = place(b);
  return ruleA - ruleB || matchA - matchB;
}

function place(rule: RuleIr): [number, number] {
  const [ruleIndex, matchIndex] = rule.id.slice(rule.route.length + 1).split(".");
  return [Number(ruleIndex), Number(matchIndex)];
}

/** Puts the regex rules of a list that is in `compareRules` order into their final order. */
export function* orderRegexes(rules: readonly RuleIr[]): Steps<readonly RuleIr[]> {
  const start = firstOfRank(rules, KIND_RANK.regex);
  const end = firstOfRank(rules, KIND_RANK.prefix);
  if (start === end) return rules;
  const regexes = rules.slice(start, end);
  const first = new Map<string, RuleIr>();
  for (const rule of yield* sortedSteps(regexes, compareDeclared))
    if (!first.has(rule.path.value)) first.set(rule.path.value, rule);
  const declared = (rule: RuleIr): RuleIr => first.get(rule.path.value) as RuleIr;
  const ordered = yield* sortedSteps(
    regexes,
    (a, b) => comparePaths(a, b) || compareDeclared(declared(a), declared(b)) || compareWithinPath(a, b),
  );
  return [...rules.slice(0, start), ...ordered, ...rules.slice(end)];
}

/** Index of the first rule whose kind has at least this rank; the rules stand in order of rank. */
function firstOfRank(rules: readonly RuleIr[], rank: number): number {
  let [low, high] = [0, rules.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (KIND_RANK[(rules[middle] as RuleIr).path.kind] < rank) low = middle + 1;
    else high = middle;
  }
  return low;
}
