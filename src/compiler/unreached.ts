/**
 * Matches that take no request, because rules before them take all that they match. Only what can be proved is told: the same path,
 * and conditions that follow from the match's own, or that are there and absent between two rules.
 */
import type { Diagnostic } from "../errors/diagnostic.ts";
import { type ConditionIr, type FleetIr, fieldKey, plainName, type RuleIr } from "../ir/index.ts";
import { isWithin, type Snapshot } from "../model/index.ts";
import { type MatchBudget, MatchTooLongError, matchesWhole } from "../regex/index.ts";
import { type Steps, shouldYield } from "../util/steps.ts";

/** Earlier rules of the same path that a rule is compared with: more are rare, and then nothing is claimed. */
const MAX_COMPARED = 64;

/** What comparing expressions and ranges may cost in one look: about a fifth of a second. What is left then is not told. */
const BUDGET = 120_000_000;
/** Of two ranges, in the same measure. */
const RANGE_COST = 10_000;

/** Warnings, each at the rule or at one of its matches. A match counts as reached when it is on any host of any fleet. */
export function* unreachedRules(snapshot: Snapshot, fleets: Iterable<FleetIr>): Steps<Diagnostic[]> {
  const budget = { left: BUDGET };
  const reached = new Set<string>();
  const taken = new Map<string, Taken>();
  const seen = new Set<readonly RuleIr[]>();
  for (const { ports } of fleets) {
    for (const port of ports) {
      if (port.kind !== "http") continue;
      for (const { rules } of port.virtualHosts) {
        if (!seen.has(rules)) yield* lookAt(rules, { reached, taken, budget });
        seen.add(rules);
      }
    }
  }
  for (const id of reached) taken.delete(id);
  return yield* told(snapshot, taken);
}

/** A rule that others take the requests of. */
interface Taken {
  readonly rule: RuleIr;
  readonly by: readonly RuleIr[];
}

interface Look {
  readonly reached: Set<string>;
  readonly taken: Map<string, Taken>;
  readonly budget: MatchBudget;
}

function* lookAt(rules: readonly RuleIr[], { reached, taken, budget }: Look): Steps<void> {
  const earlier = new Map<string, RuleIr[]>();
  for (const [index, rule] of rules.entries()) {
    // What was made for clients near a zone stands for a part of what its rule takes.
    if (plainName(rule.name) !== rule.name) continue;
    const key = `${rule.path.kind} ${rule.path.value}`;
    const same = earlier.get(key) ?? [];
    const by = takers(rule, same, budget);
    if (by === null) reached.add(rule.id);
    else if (!taken.has(rule.id)) taken.set(rule.id, { rule, by });
    if (same.length < MAX_COMPARED) earlier.set(key, [...same, rule]);
    if (shouldYield(index)) yield;
  }
}

/** The rule, or the two, that take all that the rule matches; null: not proved. */
function takers(rule: RuleIr, earlier: readonly RuleIr[], budget: MatchBudget): readonly RuleIr[] | null {
  /** By field: the rule that asks nothing more than that it is there, or is not. */
  const halves = new Map<string, RuleIr>();
  for (const other of earlier) {
    const [first, ...more] = other.conditions.filter((condition) => !follows(condition, rule.conditions, budget));
    if (first === undefined) return [other];
    if (more.length > 0 || (first.test !== "present" && first.test !== "absent")) continue;
    const field = fieldKey(first.field);
    const half = halves.get(`${field} ${first.test === "present" ? "absent" : "present"}`);
    if (half !== undefined) return [half, other];
    halves.set(`${field} ${first.test}`, other);
  }
  return null;
}

/** Whether every request for which all conditions hold fulfils this one too. */
function follows(condition: ConditionIr, conditions: readonly ConditionIr[], budget: MatchBudget): boolean {
  const key = fieldKey(condition.field);
  return conditions.some((other) => fieldKey(other.field) === key && isImplied(condition, other, budget));
}

function isImplied({ test, value }: ConditionIr, by: ConditionIr, budget: MatchBudget): boolean {
  if (by.test === test && by.value === value) return true;
  if (budget.left <= 0) return false;
  // Of a field's several empty lines the value is commas and blanks, and it is not there.
  if (test === "present") return by.test === "exact" && /[^, ]/.test(by.value);
  if (test === "within")
    return by.test === "within" && by.value.split(" ").every((range) => isInside(range, value, budget));
  return test === "regex" && by.test === "exact" && by.value !== "" && matches(value, by.value, budget);
}

/** Whether one of the ranges holds the whole of this one. */
function isInside(range: string, ranges: string, budget: MatchBudget): boolean {
  const [start = "", length] = range.split("/");
  return ranges.split(" ").some((other) => {
    budget.left -= RANGE_COST;
    const isSameFamily = other.includes(":") === start.includes(":");
    return isSameFamily && Number(other.split("/")[1]) <= Number(length) && budget.left > 0 && isWithin(start, [other]);
  });
}

/** What takes too long to find out is not told. */
function matches(regex: string, text: string, budget: MatchBudget): boolean {
  try {
    return matchesWhole(regex, text, budget);
  } catch (error) {
    if (error instanceof MatchTooLongError) return false;
    throw error;
  }
}

function* told(snapshot: Snapshot, taken: ReadonlyMap<string, Taken>): Steps<Diagnostic[]> {
  const byRule = new Map<string, Taken[]>();
  for (const one of taken.values()) {
    const key = `${one.rule.route} ${one.rule.pointer}`;
    byRule.set(key, [...(byRule.get(key) ?? []), one]);
  }
  const found: Diagnostic[] = [];
  for (const [index, all] of [...byRule.values()].entries()) {
    if (shouldYield(index)) yield;
    const [first] = all;
    if (first === undefined) continue;
    const body = snapshot.route.get(first.rule.route)?.body.rules[Number(first.rule.pointer.slice("/rules/".length))];
    const isWhole = all.length >= (body?.matches?.length ?? 1);
    for (const one of isWhole ? [first] : all) found.push(toDiagnostic(one, isWhole));
  }
  return found;
}

function toDiagnostic({ rule, by }: Taken, isWhole: boolean): Diagnostic {
  const takers = by.map(({ name, pointer }) => `${name} (${pointer})`).join(" and ");
  const taker = by[0] ?? rule;
  return {
    code: "LINT-UNREACHED",
    severity: "warning",
    message: `this ${isWhole ? "rule" : "match"} is never reached: ${takers} ${by.length > 1 ? "take" : "takes"} every request that it matches`,
    resource: { kind: "route", name: rule.route },
    pointer: isWhole ? rule.pointer : `${rule.pointer}/matches/${rule.id.slice(rule.id.lastIndexOf(".") + 1)}`,
    related: { resource: { kind: "route", name: taker.route }, pointer: taker.pointer },
  };
}
