/** What conditions can look at: how nginx reads each field and tests it, and how well it does that. */
import type { ConditionIr, FieldIr } from "../../ir/index.ts";
import { fullMatch, matchesEmpty } from "../../regex/index.ts";
import { backtracking } from "../regexFindings.ts";
import type { Support, Version } from "../target.ts";
import { isBefore } from "../version.ts";
import { headerVariable } from "./names.ts";
import { type Condition, condition, param, regex, type Variable, variable } from "./quote.ts";
import { placeText } from "./texts.ts";
import type { TextView } from "./views.ts";

type FieldOf<Kind extends FieldIr["kind"]> = Extract<FieldIr, { kind: Kind }>;

/** One kind of field. */
interface FieldKind<Kind extends FieldIr["kind"]> {
  /** Empty when the request has no such field. */
  readonly variable: (field: FieldOf<Kind>) => Variable;
  /** For comments, as `header x-env`. */
  readonly describe: (field: FieldOf<Kind>) => string;
}

/** A new kind of field does not compile before it has an entry here. */
const fieldKinds: { readonly [Kind in FieldIr["kind"]]: FieldKind<Kind> } = {
  method: { variable: () => variable("request_method"), describe: () => "method" },
  header: { variable: ({ name }) => headerVariable(name), describe: ({ name }) => `header ${name}` },
};

/** From this version on `$http_name` joins repeated fields; before, it is the first one. */
const JOINS_REPEATED: Version = [1, 23, 0];

/** Of an approximation that ended with nginx 1.23. */
export const before123 = (_value: unknown, version: Version): boolean => isBefore(version, JOINS_REPEATED);

const firstOfRepeated = {
  approximated: "looks only at the first of repeated header fields before nginx 1.23",
  code: "L7-DUP-HEADER",
  when: before123,
} as const satisfies Support;

/** What the capability table says of the fields. */
export const fieldCapabilities = {
  "route.rules[].matches[].method": "exact",
  "route.rules[].matches[].headers[].name": "exact",
  "route.rules[].matches[].headers[].exact": firstOfRepeated,
  "route.rules[].matches[].headers[].regex": [firstOfRepeated, backtracking],
  "route.rules[].matches[].headers[].present": firstOfRepeated,
  "route.rules[].matches[].headers[].absent": firstOfRepeated,
} as const satisfies Readonly<Record<string, Support>>;

function kindOf<Kind extends FieldIr["kind"]>(field: FieldOf<Kind>): FieldKind<Kind> {
  return fieldKinds[field.kind as Kind];
}

/** The variable that holds the field. */
export function fieldVariable(field: FieldIr): Variable {
  return kindOf(field).variable(field);
}

/** What stands between the brackets of an `if`, and what has to be set before. */
export interface Test {
  readonly texts: readonly TextView[];
  readonly condition: Condition;
}

/** Strings are compared with their case. */
export function testOf({ field, test, value }: ConditionIr): Test {
  const source = fieldVariable(field);
  switch (test) {
    case "exact": {
      const { texts, part } = placeText("wanted", value);
      return { texts, condition: condition(source, "=", param(part)) };
    }
    case "regex":
      return matchTest(source, value);
    case "absent":
      return { texts: [], condition: condition(source, "=", EMPTY) };
    case "present":
      return { texts: [], condition: condition(source, "!=", EMPTY) };
  }
}

const EMPTY = param("");
/** Before an expression that could match an empty value, which is none. */
const NOT_EMPTY = "(?!$)";

/** The whole value matches, and is not empty. */
export function matchTest(source: Variable, expression: string): Test {
  const pattern = (matchesEmpty(expression) ? NOT_EMPTY : "") + fullMatch(expression);
  return { texts: [], condition: condition(source, "~", regex(pattern)) };
}

/** As a comment says it: `method = POST`, `header x-env ~ a|b`. */
export function describeCondition({ field, test, value }: ConditionIr): string {
  const name = kindOf(field).describe(field);
  if (test === "exact") return `${name} = ${value}`;
  return test === "regex" ? `${name} ~ ${value}` : `${name} ${test}`;
}
