/**
 * How a location finds the first of several rules whose conditions hold: `if`s that read downwards and jump to the location of a
 * rule. They compare strings with their case, take no variable of their own (each costs every request 16 bytes) and leave the
 * request as it is.
 */
import { type ConditionIr, fieldKey, type RuleIr } from "../../ir/index.ts";
import { block, joinBlocks } from "./blocks.ts";
import { describeCondition, matchTest, readField, type Test, testOf } from "./fields.ts";
import { type Jumps, jumpTo } from "./jumps.ts";
import { type Claim, matchSuffix, type Names } from "./names.ts";
import {
  comment,
  FIRST_CAPTURE,
  isHashedKey,
  literalPattern,
  mapEntries,
  mapEntry,
  mapKey,
  mapRegexKey,
  param,
  variable,
  word,
} from "./quote.ts";
import type { Step } from "./step.ts";
import type { Block, CasesView } from "./views.ts";

/** A rule that takes the request when its conditions hold, and its path matches the expression where that is still open. */
export interface Candidate {
  readonly rule: RuleIr;
  readonly pathRegex: string | null;
}

/** Lines of a location, and what they need. */
export interface Choice {
  readonly lines: Block;
  readonly steps: readonly Step[];
}

/** What a choice needs to know beside its candidates. */
export interface ChoicePlace {
  readonly listener: string;
  /** Names the host among all of the fleet. */
  readonly key: string;
  readonly names: Names;
  readonly jumps: Jumps;
  /** The location of a rule. */
  readonly locationOf: (rule: RuleIr) => string;
}

/** The path as it was sent. */
const RAW_PATH = variable("raw_path");

/** Nothing left to ask. */
export function isSure({ rule, pathRegex }: Candidate): boolean {
  return pathRegex === null && rule.conditions.length === 0;
}

/** Jumps to the first candidate that fits; none is sure. */
export function choose(candidates: readonly Candidate[], place: ChoicePlace): Choice {
  const lines: Block[] = [];
  const steps: Step[] = [];
  for (const segment of segmentsOf(candidates)) {
    const hashed = segment.length < HASHED_FROM ? null : hashedStep(segment, place);
    if (hashed === null) {
      lines.push(block("choice", { cases: segment.map((candidate) => caseOf(candidate, place, steps)) }));
    } else {
      const [{ claims }] = hashed as [Step];
      const found = variable((claims[0] as Claim).got);
      lines.push(block("hashedChoice", { found, jump: jumpTo(found, place.jumps) }));
      steps.push(...hashed);
    }
  }
  return { lines: joinBlocks(lines), steps };
}

/** Adds what the tests need to `steps`. */
function caseOf({ rule, pathRegex }: Candidate, place: ChoicePlace, steps: Step[]): CasesView["cases"][number] {
  const tests = rule.conditions.map((asked): Test => {
    const reading = readField(asked, rule, place);
    if (reading.step !== null) steps.push(reading.step);
    return testOf(asked, reading);
  });
  if (pathRegex !== null) tests.unshift(matchTest(RAW_PATH, pathRegex));
  const jump = jumpTo(place.locationOf(rule), place.jumps);
  const [only] = tests;
  if (only !== undefined && tests.length === 1) return { only, all: [], count: null, jump };
  return { only: null, all: tests, count: word("1".repeat(tests.length)), jump };
}

/** Neighbours that each ask for one exact value of the same field stand together, others alone. */
function segmentsOf(candidates: readonly Candidate[]): Candidate[][] {
  const segments: Candidate[][] = [];
  for (const candidate of candidates) {
    const segment = segments.at(-1);
    const field = exactField(candidate);
    if (segment !== undefined && field !== null && exactField(segment[0] as Candidate) === field)
      segment.push(candidate);
    else segments.push([candidate]);
  }
  return segments;
}

/** The one field whose value the candidate asks for; null: it asks for something else. */
function exactField({ rule: { conditions }, pathRegex }: Candidate): string | null {
  const [only] = conditions;
  if (only?.test !== "exact" || conditions.length > 1 || pathRegex !== null) return null;
  return fieldKey(only.field);
}

/**
 * From so many exact values of one field on, a hash finds the value. By callgrind an `if` that does not hold costs a request 0.15 kI
 * (and 7 KB of memory), the maps 2 kI together, 3.5 where they find it, however many values there are. A map's keys know no case, so
 * the first gives back the spelling, which the second compares with the field.
 */
const HASHED_FROM = 24;

function hashedStep(segment: readonly Candidate[], place: ChoicePlace): readonly Step[] {
  const { listener, key, names, locationOf } = place;
  const [{ rule: first }] = segment as [Candidate];
  const wanted = `rule_${listener}_${first.name}${matchSuffix(first)}`;
  const owner = `${key} ${segment.map(({ rule }) => rule.id).join(" ")}`;
  const claims = [names.claim(wanted, owner), names.claim(`${wanted}_spelled`, `${owner} spelled`)];
  const [name, found] = claims.map(({ got }) => variable(got)) as [
    ReturnType<typeof variable>,
    ReturnType<typeof variable>,
  ];
  const { source, mark, step } = readField(first.conditions[0] as ConditionIr, first, place);
  const compared = [
    mapEntry(mapRegexKey("^=([^ ]+) "), param(FIRST_CAPTURE)),
    mapEntry(mapRegexKey("^([^ ]+) (.*) \\2$"), param(FIRST_CAPTURE)),
  ];
  const ruleComment = comment(segment.map(({ rule }) => describeRule(rule)).join("; "));
  const entries = mapEntries(spelledEntries(segment, locationOf, mark));
  const fallback = param("");
  const maps = joinBlocks([
    block("map", { comment: ruleComment, source: param(source), name: found, entries, fallback }),
    block("map", { comment: null, source: param(found, " ", source), name, entries: mapEntries(compared), fallback }),
  ]);
  return [{ claims, block: maps }, ...(step === null ? [] : [step])];
}

/** `location spelling`; values that differ in case only, or are long, are expressions and give `=location`. */
function spelledEntries(segment: readonly Candidate[], locationOf: ChoicePlace["locationOf"], mark: string) {
  const spellings = new Map<string, number>();
  const firsts = new Map<string, RuleIr>();
  for (const { rule } of segment) {
    const { value } = rule.conditions[0] as ConditionIr;
    if (firsts.has(value)) continue;
    firsts.set(value, rule);
    spellings.set(value.toLowerCase(), (spellings.get(value.toLowerCase()) ?? 0) + 1);
  }
  return [...firsts].map(([value, rule]) => {
    const text = mark + value;
    const isAlone = spellings.get(value.toLowerCase()) === 1 && isHashedKey(text);
    if (isAlone) return mapEntry(mapKey(text), param(`${locationOf(rule)} ${text}`));
    return mapEntry(mapRegexKey(`^${literalPattern(text)}$`), param(`=${locationOf(rule)}`));
  });
}

/** `shop/orders-write: /orders, method = POST`. */
export function describeRule({ name, path, conditions }: RuleIr): string {
  let text = `${name}: ${SIGNS[path.kind]}${path.value}`;
  for (const condition of conditions) text += `, ${describeCondition(condition)}`;
  return text;
}

const SIGNS = { exact: "= ", regex: "~ ", prefix: "" };
