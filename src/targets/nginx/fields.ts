/** What conditions can look at: how nginx reads each field and tests it, and how well it does that. */
import type { ConditionIr, FieldIr, RuleIr } from "../../ir/index.ts";
import { fullMatch, matchesEmpty } from "../../regex/index.ts";
import { backtracking } from "../regexFindings.ts";
import type { Support, Version } from "../target.ts";
import { isBefore } from "../version.ts";
import { block } from "./blocks.ts";
import { fieldVariable } from "./gatedFields.ts";
import { geoVariable } from "./geoTables.ts";
import { longMatch } from "./grpcHeaders.ts";
import { type Claim, matchSuffix, type Names } from "./names.ts";
import type { TextView } from "./policyViews.ts";
import {
  type Condition,
  comment,
  condition,
  FIRST_CAPTURE,
  literalPattern,
  mapEntries,
  mapEntry,
  mapRegexKey,
  param,
  regex,
  type Variable,
  variable,
  word,
} from "./quote.ts";
import type { Step } from "./step.ts";
import { placeText } from "./texts.ts";

type FieldOf<Kind extends FieldIr["kind"]> = Extract<FieldIr, { kind: Kind }>;

/** How a field is read. */
export interface Reading {
  /** Empty when the request has no such field. */
  readonly source: Variable;
  /** What stands before each value in the variable. */
  readonly mark: string;
  /** What gives the variable its value; null: nginx does. */
  readonly step: Step | null;
}

/** Where it is read. */
export interface FieldPlace {
  /** Variables are named after the listener. */
  readonly listener: string;
  readonly names: Names;
}

/** One kind of field. */
interface FieldKind<Kind extends FieldIr["kind"]> {
  readonly read: (field: FieldOf<Kind>, asked: Asked) => Reading;
  /** For comments, as `header x-env`. */
  readonly describe: (field: FieldOf<Kind>) => string;
}

/** Who asks for what. */
interface Asked {
  readonly place: FieldPlace;
  readonly rule: RuleIr;
  readonly value: string;
}

/** A new kind of field does not compile before it has an entry here. */
const fieldKinds: { readonly [Kind in FieldIr["kind"]]: FieldKind<Kind> } = {
  method: { read: () => native(variable("request_method")), describe: () => "method" },
  header: { read: ({ name }) => native(fieldVariable(name)), describe: ({ name }) => `header ${name}` },
  query: {
    // `$arg_v` knows no case, and takes a parameter without a value for none.
    read: ({ name }, { place: { listener, names } }) =>
      extracted(names.claim(`query_${listener}_${name}`, `query ${listener} ${name}`), {
        from: variable("args"),
        pattern: `(?:^|&)${literalPattern(name)}(?:=([^&]*)|(?=&|$))`,
        mark: "=",
      }),
    describe: ({ name }) => `query ${name}`,
  },
  cookie: {
    // `$cookie_c` knows no case.
    read: ({ name }, { place: { listener, names } }) =>
      extracted(names.claim(`first_cookie_${listener}_${name}`, `cookie ${listener} ${name}`), {
        from: fieldVariable("cookie"),
        pattern: `(?:^|;)[ \\t]*${literalPattern(name)}=([^;]*)`,
        mark: "",
      }),
    describe: ({ name }) => `cookie ${name}`,
  },
  source: {
    read: (_field, { place: { listener, names }, rule, value }) => {
      const claim = names.claim(`from_${listener}_${rule.name}${matchSuffix(rule)}`, `from ${listener} ${rule.id}`);
      const ranges = value.split(" ").map((range) => ({ range: word(range) }));
      const view = { comment: comment(rule.name), of: null, name: variable(claim.got), ranges };
      return { source: variable(claim.got), mark: "", step: { claims: [claim], block: block("geo", view) } };
    },
    describe: () => "source",
  },
  geo: { read: ({ name }) => native(geoVariable(name)), describe: ({ name }) => `geo ${name}` },
};

/** A variable of nginx's own. */
function native(source: Variable): Reading {
  return { source, mark: "", step: null };
}

/** A variable that a map takes out of another: the first that the pattern finds. */
function extracted(
  claim: Claim,
  { from, pattern, mark }: { readonly from: Variable; readonly pattern: string; readonly mark: string },
): Reading {
  const source = variable(claim.got);
  const entries = mapEntries([mapEntry(mapRegexKey(pattern), param(mark, FIRST_CAPTURE))]);
  const view = { comment: null, source: param(from), name: source, entries, fallback: param("") };
  return { source, mark, step: { claims: [claim], block: block("map", view) } };
}

/** From this version on `$http_name` joins repeated fields; before, it is the first one. */
const JOINS_REPEATED: Version = [1, 23, 0];

/** Of an approximation that ended with nginx 1.23. */
export const before123 = (_value: unknown, version: Version): boolean => isBefore(version, JOINS_REPEATED);

const firstOfRepeated = {
  approximated: "looks only at the first of repeated header fields before nginx 1.23, and passes only that on",
  code: "L7-DUP-HEADER",
  when: before123,
} as const satisfies Support;

/** What the capability table says of the fields. */
export const fieldCapabilities = {
  "route.rules[].matches[].method": "exact",
  "route.rules[].matches[].headers[].name": longMatch,
  "route.rules[].matches[].headers[].exact": firstOfRepeated,
  "route.rules[].matches[].headers[].regex": [firstOfRepeated, backtracking],
  "route.rules[].matches[].headers[].present": firstOfRepeated,
  "route.rules[].matches[].headers[].absent": firstOfRepeated,
  "route.rules[].matches[].query[].name": "exact",
  "route.rules[].matches[].query[].exact": "exact",
  "route.rules[].matches[].query[].regex": backtracking,
  "route.rules[].matches[].query[].present": "exact",
  "route.rules[].matches[].query[].absent": "exact",
  "route.rules[].matches[].cookies[].name": "exact",
  "route.rules[].matches[].cookies[].exact": "exact",
  "route.rules[].matches[].cookies[].regex": backtracking,
  "route.rules[].matches[].cookies[].present": "exact",
  "route.rules[].matches[].cookies[].absent": "exact",
  "route.rules[].matches[].source[]": "exact",
  "route.rules[].matches[].geo.table": "exact",
  "route.rules[].matches[].geo.labels[]": "exact",
} as const satisfies Readonly<Record<string, Support>>;

function kindOf<Kind extends FieldIr["kind"]>(field: FieldOf<Kind>): FieldKind<Kind> {
  return fieldKinds[field.kind as Kind];
}

/** How the field of a rule's condition is read. */
export function readField({ field, value }: ConditionIr, rule: RuleIr, place: FieldPlace): Reading {
  return kindOf(field).read(field, { place, rule, value });
}

/** What stands between the brackets of an `if`, and what has to be set before. */
export interface Test {
  readonly texts: readonly TextView[];
  readonly condition: Condition;
}

/** Strings are compared with their case. */
export function testOf({ test, value }: ConditionIr, { source, mark }: Reading): Test {
  switch (test) {
    case "exact": {
      const { texts, part } = placeText("wanted", mark + value);
      return { texts, condition: condition(source, "=", param(part)) };
    }
    case "regex":
      return matchTest(source, value, mark);
    case "absent":
      return { texts: [], condition: condition(source, "=", EMPTY) };
    case "present":
    case "within":
      return { texts: [], condition: condition(source, "!=", EMPTY) };
  }
}

const EMPTY = param("");
/** Before an expression that could match an empty value, which is none. */
const NOT_EMPTY = "(?!$)";

/** The whole value matches, and is not empty. `mark` stands before it. */
export function matchTest(source: Variable, expression: string, mark = ""): Test {
  const notEmpty = matchesEmpty(expression) ? NOT_EMPTY : "";
  const pattern = `^${mark}${notEmpty}${fullMatch(expression).slice(1)}`;
  return { texts: [], condition: condition(source, "~", regex(pattern)) };
}

/** As a comment says it: `method = POST`, `header x-env ~ a|b`. */
export function describeCondition({ field, test, value }: ConditionIr): string {
  const name = kindOf(field).describe(field);
  if (test === "exact") return `${name} = ${value}`;
  if (test === "within") return `${name} in ${value}`;
  return test === "regex" ? `${name} ~ ${value}` : `${name} ${test}`;
}
