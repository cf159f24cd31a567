/** What conditions can look at: how nginx reads each field, tests it by the keys of a map, and how well it does that. */
import type { ConditionIr, FieldIr } from "../../ir/index.ts";
import { fullMatch } from "../../regex/index.ts";
import { backtracking } from "../regexFindings.ts";
import type { Support, Version } from "../target.ts";
import { isBefore } from "../version.ts";
import { headerVariable } from "./names.ts";
import { literalPattern, type MapKey, mapKey, mapRegexKey, type Variable, variable } from "./quote.ts";

type FieldOf<Kind extends FieldIr["kind"]> = Extract<FieldIr, { kind: Kind }>;

/** One kind of field. */
interface FieldKind<Kind extends FieldIr["kind"]> {
  /** Empty when the request has no such field. */
  readonly variable: (field: FieldOf<Kind>) => Variable;
  /** The key under which a map over the variable finds exactly this value: nginx's plain keys know no case. */
  readonly exactKey: (value: string) => MapKey;
  /** For comments, as `header x-env`. */
  readonly describe: (field: FieldOf<Kind>) => string;
}

/** From this version on `$http_name` joins repeated fields; before, it is the first one. */
const JOINS_REPEATED: Version = [1, 23, 0];

/** Of an approximation that ended with nginx 1.23. */
export const before123 = (_value: unknown, version: Version): boolean => isBefore(version, JOINS_REPEATED);

const firstOfRepeated = {
  approximated: "looks only at the first of repeated header fields before nginx 1.23",
  code: "L7-DUP-HEADER",
  when: before123,
} as const satisfies Support;

/** A new kind of field does not compile before it has an entry here. */
const fieldKinds: { readonly [Kind in FieldIr["kind"]]: FieldKind<Kind> } = {
  method: {
    variable: () => variable("request_method"),
    // Methods in small letters are refused before.
    exactKey: mapKey,
    describe: () => "method",
  },
  header: {
    variable: ({ name }) => headerVariable(name),
    exactKey: (value) => mapRegexKey(`^${literalPattern(value)}$`),
    describe: ({ name }) => `header ${name}`,
  },
};

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

/** Finds empty values only. */
const EMPTY_KEY = mapKey("");

/**
 * The key of a map over the field that passes the test; null: every value that is not empty passes. A map never asks its
 * regular expressions about an empty value.
 */
export function testKey({ field, test, value }: ConditionIr): MapKey | null {
  switch (test) {
    case "exact":
      return kindOf(field).exactKey(value);
    case "regex":
      return mapRegexKey(fullMatch(value));
    case "absent":
      return EMPTY_KEY;
    case "present":
      return null;
  }
}

/** As a comment says it: `method = POST`, `header x-env ~ a|b`. */
export function describeCondition({ field, test, value }: ConditionIr): string {
  const name = kindOf(field).describe(field);
  if (test === "exact") return `${name} = ${value}`;
  return test === "regex" ? `${name} ~ ${value}` : `${name} ${test}`;
}
