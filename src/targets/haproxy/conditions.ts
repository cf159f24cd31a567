/** What a rule asks beside its path, as named ACLs, and lines of the configuration that take no more words than HAProxy reads. */
import type { ConditionIr, RuleIr } from "../../ir/index.ts";
import { fullMatch } from "../../regex/index.ts";
import type { Quoted } from "../../util/templates.ts";
import { readingOf } from "./fields.ts";
import { matchName } from "./names.ts";
import { expression, name, rule, word } from "./quote.ts";

/** `acl.hbs`: a named ACL. One of `string`, `regex`, `single` and `present` is set. */
export interface AclView {
  readonly name: Quoted<"name">;
  readonly value: Quoted<"expression">;
  readonly string: Quoted<"word"> | null;
  readonly regex: Quoted<"word"> | null;
  readonly single: boolean;
  readonly present: boolean;
}

/** One condition of a line; `not`: the ACL must not hold. */
export interface TestView {
  readonly name: Quoted<"name">;
  readonly not: boolean;
}

/** A rule's conditions: tests in order, and the ACLs that they name. */
export interface RuleTests {
  readonly tests: readonly TestView[];
  readonly acls: ReadonlyMap<string, AclView>;
}

/**
 * The tests of a rule; `pathRegex` is one more, of the path. All of them are named ACLs: text of the user's must not stand in an
 * anonymous one (quote.ts), a name is one word, and what is told of a header by name alone is shared by all rules.
 */
export function testsOf(owner: RuleIr, pathRegex: string | null): RuleTests {
  const tests: TestView[] = [];
  const acls = new Map<string, AclView>();
  const add = (acl: AclView, not = false): void => {
    if (tests.some((test) => test.name.text === acl.name.text && test.not === not)) return;
    tests.push({ name: acl.name, not });
    acls.set(acl.name.text, acl);
  };
  const own = matchName(owner);
  if (pathRegex !== null) {
    add({ ...NO_TEST, name: name(`${own}.path`), value: expression`var(txn.path)`, regex: word(fullMatch(pathRegex)) });
  }
  const places = new Map<string, number>();
  for (const condition of owner.conditions) {
    const { label } = readingOf(condition.field);
    const place = (places.get(label) ?? 0) + 1;
    places.set(label, place);
    addTests(condition, `${own}.${label}${place === 1 ? "" : `.${place}`}`, add);
  }
  return { tests, acls };
}

const NO_TEST = { string: null, regex: null, single: false, present: false } as const;

/** A field that repeats equals and matches nothing; an empty one matches no expression. */
function addTests({ field, test, value }: ConditionIr, own: string, add: (acl: AclView, not?: boolean) => void): void {
  const reading = readingOf(field);
  const { label, lines, count } = reading;
  const present = lines && { ...NO_TEST, name: name(`present.${label}`), value: lines, present: true };
  if (test === "present" || test === "absent") {
    if (present === null) throw new Error(`${label} is always present`);
    add(present, test === "absent");
    return;
  }
  if (count !== null) add({ ...NO_TEST, name: name(`single.${label}`), value: count, single: true });
  if (test === "exact") {
    add({ ...NO_TEST, name: name(own), value: reading.value, string: word(value) });
    return;
  }
  if (present !== null) add(present);
  add({ ...NO_TEST, name: name(own), value: reading.value, regex: word(fullMatch(value)) });
}

/** HAProxy reads 64 words of a line; the longest of ours has 24 beside its tests. */
const TESTS_IN_LINE = 36;

/** A line's part of a rule's tests. */
export interface LineTests {
  readonly tests: readonly TestView[];
  /** What the lines before this one have noted in `txn.fits` when their tests hold; null: this is the first. */
  readonly after: Quoted<"rule"> | null;
  /** What this line notes in `txn.fits`; null: it is the last, and takes the request. */
  readonly notes: Quoted<"rule"> | null;
}

/** The tests spread over as many lines as they need: nearly always one. */
export function linesOf(owner: RuleIr, tests: readonly TestView[]): readonly LineTests[] {
  const lines: LineTests[] = [];
  let after: Quoted<"rule"> | null = null;
  for (let start = 0; start < tests.length || start === 0; start += TESTS_IN_LINE) {
    const isLast = start + TESTS_IN_LINE >= tests.length;
    const notes = isLast ? null : rule(`${owner.id}.${start + TESTS_IN_LINE}`);
    lines.push({ tests: tests.slice(start, start + TESTS_IN_LINE), after, notes });
    after = notes;
  }
  return lines;
}
