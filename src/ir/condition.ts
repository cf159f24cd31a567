/** What a rule asks of a request beside its path. */

/** What a condition looks at. A field that repeats is one value, its lines joined by `, `. */
export type FieldIr =
  | { readonly kind: "method" }
  /** Name in lower case. */
  | { readonly kind: "header"; readonly name: string }
  /** A query parameter: name and value raw, with regard to case; the first of several. Present when it occurs, even without a value. */
  | { readonly kind: "query"; readonly name: string }
  /** A cookie: name with regard to case, value raw up to the next `;`; the first of several. */
  | { readonly kind: "cookie"; readonly name: string }
  /** The address of the connection's other end. */
  | { readonly kind: "source" }
  /** The label of that address in the table of this name; empty: it has none. Asked for by exact, or by regex for one of several. */
  | { readonly kind: "geo"; readonly name: string };

/** Every kind of field, in the order in which conditions stand. */
export const FIELD_KINDS = [
  "method",
  "header",
  "query",
  "cookie",
  "source",
  "geo",
] as const satisfies readonly FieldIr["kind"][];

/**
 * How a field is tested. exact: case-sensitive. regex: not empty, and the whole value matches. present: not empty. absent:
 * missing or empty. within: the address lies in one of the ranges of `value`, which are in CIDR notation, canonical, ascending,
 * with a blank between them; only of source, which has no other test.
 */
export type TestIr = "exact" | "regex" | "present" | "absent" | "within";

export interface ConditionIr {
  readonly field: FieldIr;
  readonly test: TestIr;
  /** Empty for present and absent. */
  readonly value: string;
}

/** The request field whose lines a condition's field is read from, in lower case; null: it is no part of a request field. */
export function readFrom(field: FieldIr): string | null {
  if (field.kind === "header") return field.name;
  return field.kind === "cookie" ? "cookie" : null;
}

/** Every request field that the rules look at, ascending. */
export function fieldsReadBy(rules: readonly { readonly conditions: readonly ConditionIr[] }[]): readonly string[] {
  const found = new Set<string>();
  for (const { conditions } of rules) {
    for (const { field } of conditions) {
      const name = readFrom(field);
      if (name !== null) found.add(name);
    }
  }
  return found.size === 0 ? NO_FIELDS : [...found].sort();
}

/** The usual case: one list for all. */
const NO_FIELDS: readonly string[] = [];

/** One text for one field: equal for equal fields, as `method`, `header x-env`. */
export function fieldKey(field: FieldIr): string {
  return "name" in field ? `${field.kind} ${field.name}` : field.kind;
}
