/**
 * How a location finds the first of several rules whose conditions hold: maps that read downwards. Each looks at one field; its
 * default is the next one. What comes out is the named location of a rule.
 */
import type { ConditionIr, RuleIr } from "../../ir/index.ts";
import { fullMatch } from "../../regex/index.ts";
import { block, joinBlocks } from "./blocks.ts";
import { describeCondition, fieldVariable, testKey } from "./fields.ts";
import { type Claim, matchSuffix, type Names } from "./names.ts";
import {
  comment,
  FIRST_CAPTURE,
  isHashedKey,
  type MapEntry,
  type MapKey,
  mapEntries,
  mapEntry,
  mapKey,
  mapRegexKey,
  type Part,
  param,
  type Variable,
  variable,
} from "./quote.ts";
import type { Block } from "./views.ts";

/** A rule that takes the request when its conditions hold, and its path matches the expression where that is still open. */
export interface Candidate {
  readonly rule: RuleIr;
  readonly pathRegex: string | null;
}

/** One or more maps that decide among some of the candidates. */
export interface Step {
  readonly claims: readonly Claim[];
  readonly block: Block;
}

/** Of all candidates. */
export interface Choice {
  /** The name of a location, or the variable that gives it. */
  readonly first: Part;
  readonly steps: readonly Step[];
}

/** What a choice needs to know beside its candidates. */
export interface ChoicePlace {
  readonly listener: string;
  /** Names the host among all of the fleet. */
  readonly key: string;
  readonly names: Names;
  /** The named location of a rule. */
  readonly locationOf: (rule: RuleIr) => string;
}

/** The path as it was sent. */
const RAW_PATH = variable("raw_path");

/** What a candidate asks of one variable. Key null: whatever is not empty. */
interface Test {
  readonly source: Variable;
  readonly key: MapKey | null;
  readonly condition: ConditionIr | null;
}

interface Tested {
  readonly candidate: Candidate;
  readonly tests: readonly Test[];
}

/** Candidates in their order; only the last may be without a condition. `end`: where a request goes that none of them takes. */
export function choose(candidates: readonly Candidate[], end: Part, place: ChoicePlace): Choice {
  const tested = candidates.map((candidate) => ({ candidate, tests: testsOf(candidate) }));
  const last = tested.at(-1);
  const isSure = last !== undefined && last.tests.length === 0;
  let next = isSure ? place.locationOf(last.candidate.rule) : end;
  const steps: Step[] = [];
  for (const segment of segmentsOf(isSure ? tested.slice(0, -1) : tested).reverse()) {
    const step = stepOf(segment, next, place);
    steps.unshift(step);
    next = variable((step.claims[0] as Claim).got);
  }
  return { first: next, steps };
}

function testsOf({ rule, pathRegex }: Candidate): readonly Test[] {
  const tests = rule.conditions.map((condition) => ({
    source: fieldVariable(condition.field),
    key: testKey(condition),
    condition,
  }));
  if (pathRegex === null) return tests;
  return [{ source: RAW_PATH, key: mapRegexKey(fullMatch(pathRegex)), condition: null }, ...tests];
}

/** Neighbours that each ask one thing of the same field stand in one map. */
function segmentsOf(tested: readonly Tested[]): Tested[][] {
  const segments: Tested[][] = [];
  for (const entry of tested) {
    const segment = segments.at(-1);
    if (segment !== undefined && isOneMap(segment.at(-1) as Tested, entry)) segment.push(entry);
    else segments.push([entry]);
  }
  return segments;
}

/** Not over two prefixes: the rules of the shorter one are the end of several choices, which then share their maps. */
function isOneMap(before: Tested, after: Tested): boolean {
  const [one, two] = [before.tests[0], after.tests[0]];
  if (before.tests.length !== 1 || after.tests.length !== 1 || one?.source !== two?.source) return false;
  if (one?.key === null) return false;
  const [path, other] = [before.candidate.rule.path, after.candidate.rule.path];
  return path.value === other.value || (path.kind === "regex" && other.kind === "regex");
}

function stepOf(segment: readonly Tested[], next: Part, place: ChoicePlace): Step {
  const [{ candidate: first, tests }] = segment as [Tested];
  const wanted = `rule_${place.listener}_${first.rule.name}${matchSuffix(first.rule)}`;
  const ids = segment.map(({ candidate: { rule, pathRegex } }) => `${rule.id}${pathRegex === null ? "" : "~"}`);
  const owner = `${place.key} ${ids.join(" ")} ${typeof next === "string" ? next : next.text}`;
  const claim = (what: string): Claim => place.names.claim(`${wanted}${what}`, `${owner} ${what}`);
  const ruleComment = comment(segment.map(({ candidate }) => describeRule(candidate.rule)).join("; "));
  const head = claim("");
  if (tests.length > 1) return allOf({ segment, next, place, head, claim, ruleComment });
  const values = segment.length < HASHED_FROM ? null : hashedValues(segment);
  if (values !== null) return hashed({ segment, next, place, head, claim, ruleComment });
  const entries = new Map<MapKey, MapEntry>();
  let fallback = next;
  for (const { candidate, tests: own } of segment) {
    const target = place.locationOf(candidate.rule);
    const key = (own[0] as Test).key;
    if (key !== null && !entries.has(key)) entries.set(key, mapEntry(key, param(target)));
    if (key !== null) continue;
    if (!entries.has(EMPTY)) entries.set(EMPTY, mapEntry(EMPTY, param(next)));
    fallback = target;
  }
  const view = { comment: ruleComment, source: param((tests[0] as Test).source), name: variable(head.got) };
  return {
    claims: [head],
    block: block("map", { ...view, entries: mapEntries([...entries.values()]), fallback: param(fallback) }),
  };
}

const EMPTY = mapKey("");

interface StepContext {
  readonly segment: readonly Tested[];
  readonly next: Part;
  readonly place: ChoicePlace;
  readonly head: Claim;
  readonly claim: (what: string) => Claim;
  readonly ruleComment: ReturnType<typeof comment>;
}

/** Several conditions of one rule: a map for each, which leads on to the next one when it holds. */
function allOf({ segment, next, place, head, claim, ruleComment }: StepContext): Step {
  const [{ candidate, tests }] = segment as [Tested];
  const claims = tests.map((_, index) => (index === 0 ? head : claim(`_and${index === 1 ? "" : index}`)));
  const blocks = tests.map(({ source, key }, index) => {
    const after = claims[index + 1];
    const hit = after === undefined ? place.locationOf(candidate.rule) : variable(after.got);
    return block("map", {
      comment: index === 0 ? ruleComment : null,
      source: param(source),
      name: variable((claims[index] as Claim).got),
      entries: mapEntries([key === null ? mapEntry(EMPTY, param(next)) : mapEntry(key, param(hit))]),
      fallback: param(key === null ? hit : next),
    });
  });
  return { claims, block: joinBlocks(blocks) };
}

/**
 * From so many values of one field on, a hash finds the value: a map tries its expressions one by one. Its keys know no case, so
 * it gives back the spelling, which a second map compares with the field.
 */
const HASHED_FROM = 16;

/** Null: not all of them are exact values of a field whose keys would be expressions. */
function hashedValues(segment: readonly Tested[]): readonly string[] | null {
  const values: string[] = [];
  for (const { tests } of segment) {
    const { condition } = tests[0] as Test;
    if (condition?.test !== "exact" || condition.field.kind === "method") return null;
    values.push(condition.value);
  }
  return values;
}

function hashed({ segment, next, place, head, claim, ruleComment }: StepContext): Step {
  const spelled = claim("_spelled");
  const spellings = new Map<string, number>();
  const firsts = new Map<string, Tested>();
  for (const entry of segment) {
    const { value } = (entry.tests[0] as Test).condition as ConditionIr;
    if (firsts.has(value)) continue;
    firsts.set(value, entry);
    spellings.set(value.toLowerCase(), (spellings.get(value.toLowerCase()) ?? 0) + 1);
  }
  const entries = [...firsts].map(([value, { candidate, tests }]) => {
    const target = place.locationOf(candidate.rule);
    const isAlone = spellings.get(value.toLowerCase()) === 1 && isHashedKey(value);
    if (isAlone) return mapEntry(mapKey(value), param(`${target} ${value}`));
    return mapEntry((tests[0] as Test).key as MapKey, param(`=${target}`));
  });
  const { source } = (segment[0] as Tested).tests[0] as Test;
  const compared = [
    mapEntry(mapRegexKey("^=([^ ]+) "), param(FIRST_CAPTURE)),
    mapEntry(mapRegexKey("^([^ ]+) (.*) \\2$"), param(FIRST_CAPTURE)),
  ];
  const [found, name] = [variable(spelled.got), variable(head.got)];
  return {
    claims: [head, spelled],
    block: joinBlocks([
      block("map", {
        comment: ruleComment,
        source: param(source),
        name: found,
        entries: mapEntries(entries),
        fallback: param(""),
      }),
      block("map", {
        comment: null,
        source: param(found, " ", source),
        name,
        entries: mapEntries(compared),
        fallback: param(next),
      }),
    ]),
  };
}

/** `shop/orders-write: /orders, method = POST`. */
export function describeRule({ name, path, conditions }: RuleIr): string {
  const signs = { exact: "= ", regex: "~ ", prefix: "" };
  return `${name}: ${[signs[path.kind] + path.value, ...conditions.map(describeCondition)].join(", ")}`;
}
