/** How random requests meet, or nearly meet, what rules ask of each kind of field. */
import fc from "fast-check";
import type { ConditionIr, FieldIr } from "../../ir/index.ts";
import { FIELD_VALUES } from "./samples.ts";
import type { Fields } from "./wire.ts";

/** What of a request rules look at. */
export interface Parts {
  readonly method: string;
  /** Raw path with optional query. */
  readonly target: string;
  readonly fields: Fields;
  /** The client's address, one of loopback. */
  readonly source: string;
}

/** How requests are made to have something in a field. */
interface Aim<F extends FieldIr> {
  /** Changes a request so that the field has the value; null: so that it has none. */
  readonly put: (parts: Parts, field: F, value: string | null) => Parts;
  /** Values that meet the condition. Default: as for text. */
  readonly meeting?: (condition: ConditionIr) => readonly string[];
  /** Values that meet it or are near it; null: none. Default: as for text. */
  readonly near?: (condition: ConditionIr) => readonly (string | null)[];
}

/** One entry for each kind: a new field is aimed at from here on. */
const aims: { readonly [K in FieldIr["kind"]]: Aim<Extract<FieldIr, { kind: K }>> } = {
  method: { put: (parts, _field, value) => (value === null ? parts : { ...parts, method: value }) },
  header: {
    put(parts, { name }, value) {
      const others = parts.fields.filter(([other]) => other.toLowerCase() !== name);
      return { ...parts, fields: value === null ? others : [...others, [name, value.trim()]] };
    },
  },
};

function aimOf(field: FieldIr): Aim<FieldIr> {
  return aims[field.kind] as unknown as Aim<FieldIr>;
}

/** A request that meets the condition. */
export function meeting(parts: Parts, condition: ConditionIr): fc.Arbitrary<Parts> {
  const { field, test } = condition;
  const { put, meeting: own = textsMeeting } = aimOf(field);
  if (test === "absent") return fc.constant(put(parts, field, null));
  return fc.constantFrom(...own(condition)).map((text) => put(parts, field, text));
}

function textsMeeting({ test, value }: ConditionIr): readonly string[] {
  if (test !== "regex") return [value || "some"];
  const matching = FIELD_VALUES.filter((text) => new RegExp(`^(?:${value})$`).test(text));
  return matching.length === 0 ? ["x"] : matching;
}

/** A request that meets it, or has something near it. */
export function near(parts: Parts, condition: ConditionIr): fc.Arbitrary<Parts> {
  const { put, near: own = textsNear } = aimOf(condition.field);
  return fc.constantFrom(...own(condition)).map((text) => put(parts, condition.field, text));
}

function textsNear({ value }: ConditionIr): readonly (string | null)[] {
  const bent = [value.toUpperCase(), value.toLowerCase(), `${value}x`, `x${value}`, value.slice(0, value.length - 1)];
  return [value, value, ...bent, "", null];
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
