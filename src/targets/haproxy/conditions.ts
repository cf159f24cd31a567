/** What a rule asks beside its path, as named ACLs, and lines of the configuration that take no more words than HAProxy reads. */
import type { ConditionIr, RuleIr } from "../../ir/index.ts";
import { fullMatch } from "../../regex/index.ts";
import { type Steps, shouldYield } from "../../util/steps.ts";
import type { Quoted } from "../../util/templates.ts";
import { readingOf } from "./fields.ts";
import { matchName, ruleKey } from "./names.ts";
import { expression, name, rule, word } from "./quote.ts";
import { ownFamily } from "./sourceRanges.ts";

/** `acl.hbs`: a named ACL. One of `string`, `regex`, `present` and `ranges` is set. */
export interface AclView {
  readonly name: Quoted<"name">;
  readonly value: Quoted<"expression">;
  readonly string: Quoted<"word"> | null;
  readonly regex: Quoted<"word"> | null;
  readonly present: boolean;
  /** Of addresses; it holds in any of them. */
  readonly ranges: readonly Quoted<"word">[];
}

/** One condition of a line: a named ACL, or one of some plain values; `not`: it must not hold. */
export interface TestView {
  readonly not: boolean;
  readonly name: Quoted<"name"> | null;
  readonly value: Quoted<"expression"> | null;
  readonly words: readonly Quoted<"name">[];
}

/** A rule's conditions: tests in order, and the ACLs that they name. */
export interface RuleTests {
  readonly tests: readonly TestView[];
  readonly acls: ReadonlyMap<string, AclView>;
}

/**
 * The tests of a rule; `pathRegex` is one more, of the path. Nearly all are named ACLs: text of the user's must not stand in an
 * anonymous one (quote.ts), a name is one word, and what is told of a header by name alone is shared by all rules. `own` begins the
 * names of the others.
 */
export function testsOf(owner: RuleIr, pathRegex: string | null, own = matchName(owner)): RuleTests {
  const tests: TestView[] = [];
  const acls = new Map<string, AclView>();
  const add = (acl: AclView, not = false): void => {
    if (tests.some((test) => test.name?.text === acl.name.text && test.not === not)) return;
    tests.push({ not, name: acl.name, value: null, words: [] });
    acls.set(acl.name.text, acl);
  };
  if (pathRegex !== null) {
    add({ ...NO_TEST, name: name(`${own}.path`), value: expression`var(txn.path)`, regex: word(fullMatch(pathRegex)) });
  }
  const places = new Map<string, number>();
  for (const condition of owner.conditions) {
    const { label, isPlain, value } = readingOf(condition.field);
    if (isPlain && condition.test === "exact") {
      tests.push({ not: false, name: null, value, words: [name(condition.value)] });
      continue;
    }
    const place = (places.get(label) ?? 0) + 1;
    places.set(label, place);
    addTests(condition, `${own}.${label}${place === 1 ? "" : `.${place}`}`, add);
  }
  return { tests, acls };
}

const NO_TEST = { string: null, regex: null, present: false, ranges: [] } as const;

/** An empty field matches no expression. */
function addTests({ field, test, value }: ConditionIr, own: string, add: (acl: AclView, not?: boolean) => void): void {
  const reading = readingOf(field);
  const { label, mark, lines } = reading;
  if (test === "within") {
    add({ ...NO_TEST, name: name(own), value: reading.value, ranges: value.split(" ").flatMap(ownFamily).map(word) });
    return;
  }
  const present = lines && { ...NO_TEST, name: name(`present.${label}`), value: lines, present: true };
  if (test === "present" || test === "absent") {
    if (present === null) throw new Error(`${label} is always present`);
    add(present, test === "absent");
    return;
  }
  if (test === "exact") {
    add({ ...NO_TEST, name: name(own), value: reading.value, string: word(mark + value) });
    return;
  }
  if (present !== null) add(present);
  add({ ...NO_TEST, name: name(own), value: reading.value, regex: word(markedMatch(mark, value)) });
}

/** The whole of a value, not empty, behind its mark. */
export function markedMatch(mark: string, regex: string): string {
  return mark === "" ? fullMatch(regex) : `^${mark}(?!$)${fullMatch(regex).slice(1)}`;
}

/** Words of a line that its tests can have: HAProxy reads 64, and the longest of ours has 28 beside them. */
const TEST_WORDS = 36;
/** More plain values of one field than this are asked for in lines of their own. */
const MAX_WORDS = 16;

/** A line's part of a rule's tests. */
export interface LineTests {
  readonly tests: readonly TestView[];
  /** What the lines before this one have noted in `txn.fits` when their tests hold; null: this is the first. */
  readonly after: Quoted<"rule"> | null;
  /** What this line notes in `txn.fits`; null: it is the last, and takes the request. */
  readonly notes: Quoted<"rule"> | null;
}

/** A rule's turn: its tests, from the first of its matches that ask for the same. */
export interface Turn extends RuleTests {
  readonly owner: RuleIr;
}

/** The turns of rules one after the other; matches of one rule that differ in a plain value only are one turn. */
export function* turnsOf(owners: readonly RuleIr[], pathRegexes: readonly (string | null)[]): Steps<readonly Turn[]> {
  const turns: Turn[] = [];
  for (const [place, owner] of owners.entries()) {
    const turn = { owner, ...testsOf(owner, pathRegexes[place] ?? null) };
    const last = turns.at(-1);
    const merged = last !== undefined && ruleKey(last.owner) === ruleKey(owner) ? mergedTests(last, turn) : null;
    if (last !== undefined && merged !== null) turns[turns.length - 1] = { ...last, tests: merged };
    else turns.push(turn);
    if (shouldYield(place)) yield;
  }
  return turns;
}

/** Null: they differ in more than the words of one test. */
function mergedTests({ tests }: Turn, other: Turn): readonly TestView[] | null {
  if (tests.length !== other.tests.length) return null;
  const pairs = tests.map((test, index) => [test, other.tests[index] as TestView] as const);
  const differing = pairs.filter(([test, second]) => textOf(test) !== textOf(second));
  const isSameKind = differing.every(([{ value }, second]) => value !== null && value.text === second.value?.text);
  if (!isSameKind || differing.length > 1) return null;
  const merged = pairs.map(([test, second]) => {
    const isOne = differing.some(([one]) => one === test);
    return isOne ? { ...test, words: [...test.words, ...second.words] } : test;
  });
  return merged.every(({ words }) => words.length <= MAX_WORDS) ? merged : null;
}

function textOf({ not, name: acl, value, words }: TestView): string {
  return [not, acl?.text, value?.text, ...words.map(({ text }) => text)].join(" ");
}

/** The tests spread over as many lines as they need: nearly always one. */
export function linesOf({
  owner,
  tests,
}: {
  readonly owner: Pick<RuleIr, "id">;
  readonly tests: readonly TestView[];
}): readonly LineTests[] {
  const parts: TestView[][] = [[]];
  let words = 0;
  for (const test of tests) {
    const own = test.name === null ? 4 + test.words.length : 1;
    if (words + own > TEST_WORDS) {
      parts.push([]);
      words = 0;
    }
    words += own;
    parts.at(-1)?.push(test);
  }
  const noteOf = (place: number): Quoted<"rule"> | null =>
    place < 0 || place === parts.length - 1 ? null : rule(`${owner.id}.${place}`);
  return parts.map((own, place) => ({ tests: own, after: noteOf(place - 1), notes: noteOf(place) }));
}
