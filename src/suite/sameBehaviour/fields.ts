/** How random requests meet, or nearly meet, what rules ask of each kind of field. */
import fc from "fast-check";
import type { ConditionIr, FieldIr } from "../../ir/index.ts";
import { FIELD_VALUES } from "./samples.ts";
import type { Fields } from "./wire.ts";

/** What of a request rules look at. */
export interface Parts {
  readonly method: string;
  readonly target: string;
  readonly fields: Fields;
}

/** Changes a request so that a field of it has the value; null: so that it has none. */
type Put = (parts: Parts, value: string | null) => Parts;

/** One entry for each kind: a new field is aimed at from here on. */
const putters: { readonly [K in FieldIr["kind"]]: (field: Extract<FieldIr, { kind: K }>) => Put } = {
  method: () => (parts, value) => (value === null ? parts : { ...parts, method: value }),
  header:
    ({ name }) =>
    (parts, value) => {
      const others = parts.fields.filter(([other]) => other.toLowerCase() !== name);
      return { ...parts, fields: value === null ? others : [...others, [name, value.trim()]] };
    },
};

function put(field: FieldIr): Put {
  return (putters[field.kind] as (field: FieldIr) => Put)(field);
}

/** A request that meets the condition. */
export function meeting(parts: Parts, condition: ConditionIr): fc.Arbitrary<Parts> {
  const { field, test, value } = condition;
  if (test === "absent") return fc.constant(put(field)(parts, null));
  return valueMeeting(test, value).map((text) => put(field)(parts, text));
}

function valueMeeting(test: ConditionIr["test"], value: string): fc.Arbitrary<string> {
  if (test !== "regex") return fc.constant(value || "some");
  const matching = FIELD_VALUES.filter((text) => new RegExp(`^(?:${value})$`).test(text));
  return fc.constantFrom(...(matching.length === 0 ? ["x"] : matching));
}

/** A request that meets it, or has something near it. */
export function near(parts: Parts, { field, value }: ConditionIr): fc.Arbitrary<Parts> {
  const { length } = value;
  const values = [value, value, value.toUpperCase(), value.toLowerCase(), `${value}x`, `x${value}`];
  return fc.constantFrom(...values, value.slice(0, length - 1), "", null).map((text) => put(field)(parts, text));
}

/** Meets the conditions one after the other, or comes near them. */
export function together(
  start: Parts,
  conditions: readonly ConditionIr[],
  step: (parts: Parts, condition: ConditionIr) => fc.Arbitrary<Parts>,
): fc.Arbitrary<Parts> {
  return conditions.reduce(
    (sofar, condition) => sofar.chain((parts) => step(parts, condition)),
    fc.constant(start) as fc.Arbitrary<Parts>,
  );
}
