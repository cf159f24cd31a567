/** How a path group picks its rule: at once, by one look-up in a truth table, or by trying in order. */
import type { CandidateIr, DecisionIr, DimensionIr, FieldIr, RuleIr, TableRowIr } from "../../ir/index.ts";

/** A table larger than this (and than four rows a candidate) costs more memory than the chain costs time. */
const MAX_TABLE_ROWS = 512;
const MAX_ROWS_PER_CANDIDATE = 4;

/** One condition of a candidate on one field. */
interface Condition {
  readonly field: FieldIr;
  readonly kind: "exact" | "regex" | "present" | "absent";
  readonly value: string;
}

const DIRECT: DecisionIr = Object.freeze({ kind: "direct" });
const CHAIN: DecisionIr = Object.freeze({ kind: "chain" });

export function decide(rules: readonly RuleIr[], candidates: readonly CandidateIr[]): DecisionIr {
  const first = candidates[0];
  if (first === undefined || conditionsOf(rules, first).length === 0) return DIRECT;
  const list = candidates.map((candidate) => ({ rule: candidate.rule, conditions: conditionsOf(rules, candidate) }));
  const dimensions = dimensionsOf(list.flatMap(({ conditions }) => conditions));
  const size = dimensions.reduce((product, dimension) => product * classesOf(dimension).length, 1);
  const collides = dimensions.some(
    ({ values }) => new Set(values.map((value) => value.toLowerCase())).size < values.length,
  );
  // nginx compares the keys of a map without regard to case: values that differ only by case need the chain.
  if (size > Math.max(MAX_TABLE_ROWS, MAX_ROWS_PER_CANDIDATE * candidates.length) || collides) return CHAIN;
  return Object.freeze({ kind: "table", dimensions, rows: rowsOf(dimensions, list) });
}

function conditionsOf(rules: readonly RuleIr[], { rule, pathRegex }: CandidateIr): Condition[] {
  const { method, headers } = rules[rule] as RuleIr;
  const conditions: Condition[] =
    pathRegex === null ? [] : [{ field: { kind: "path" }, kind: "regex", value: pathRegex }];
  if (method !== null) conditions.push({ field: { kind: "method" }, kind: "exact", value: method });
  for (const { name, kind, value } of headers) conditions.push({ field: { kind: "header", name }, kind, value });
  return conditions;
}

function fieldKey(field: FieldIr): string {
  return field.kind === "header" ? `header ${field.name}` : field.kind;
}

/** Exact dimensions: one per field; regex dimensions: one per field and expression. In order of first use. */
function dimensionsOf(conditions: readonly Condition[]): DimensionIr[] {
  const exact = new Map<string, { field: FieldIr; values: Set<string> }>();
  const regex = new Map<string, DimensionIr>();
  for (const { field, kind, value } of conditions) {
    const key = fieldKey(field);
    if (kind === "regex") {
      regex.set(`${key} ${value}`, { field, kind: "regex", values: [value] });
      continue;
    }
    const dimension = exact.get(key) ?? { field, values: new Set<string>() };
    if (kind === "exact") dimension.values.add(value);
    exact.set(key, dimension);
  }
  const list: DimensionIr[] = [...exact.values()].map(({ field, values }) => ({
    field,
    kind: "exact",
    values: [...values],
  }));
  return [...list, ...regex.values()].map((dimension) => Object.freeze(dimension));
}

function classesOf({ kind, values }: DimensionIr): string[] {
  return kind === "regex" ? ["0", "1"] : ["a", "o", ...values.map((_, index) => String(index + 1))];
}

type Listed = { readonly rule: number; readonly conditions: readonly Condition[] };

function rowsOf(dimensions: readonly DimensionIr[], list: readonly Listed[]): TableRowIr[] {
  const tests = list.map(({ rule, conditions }) => ({ rule, allowed: allowedClasses(dimensions, conditions) }));
  const rows: TableRowIr[] = [];
  const walk = (classes: readonly string[], open: readonly Test[]): void => {
    if (open.length === 0) return;
    const dimension = dimensions[classes.length];
    if (dimension === undefined) {
      rows.push(Object.freeze({ classes, rule: (open[0] as Test).rule }));
      return;
    }
    const byClass = splitByClass(open, classes.length, classesOf(dimension));
    for (const [name, still] of byClass) walk([...classes, name], still);
  };
  walk([], tests);
  return rows;
}

type Test = { rule: number; allowed: (ReadonlySet<string> | null)[] };

/** The candidates that are still possible for each class of one dimension, in order. One pass over the candidates. */
function splitByClass(open: readonly Test[], dimension: number, classes: readonly string[]): Map<string, Test[]> {
  const byClass = new Map<string, Test[]>(classes.map((name) => [name, []]));
  for (const test of open) {
    for (const name of test.allowed[dimension] ?? classes) byClass.get(name)?.push(test);
  }
  return byClass;
}

/** Per dimension the classes that a candidate accepts; null: all. */
function allowedClasses(
  dimensions: readonly DimensionIr[],
  conditions: readonly Condition[],
): (ReadonlySet<string> | null)[] {
  return dimensions.map((dimension) => {
    let allowed: Set<string> | null = null;
    for (const condition of conditions) {
      const accepted = accepts(dimension, condition);
      if (accepted === null) continue;
      allowed = allowed === null ? new Set(accepted) : new Set(accepted.filter((name) => allowed?.has(name)));
    }
    return allowed;
  });
}

/** The classes of the dimension that a condition accepts; null when it does not look at it. */
function accepts(dimension: DimensionIr, { field, kind, value }: Condition): string[] | null {
  if (fieldKey(field) !== fieldKey(dimension.field)) return null;
  if (kind === "regex") return dimension.kind === "regex" && dimension.values[0] === value ? ["1"] : null;
  if (dimension.kind === "regex") return null;
  if (kind === "present") return classesOf(dimension).filter((name) => name !== "a");
  if (kind === "absent") return ["a"];
  return [String(placeOf(dimension, value))];
}

const places = new WeakMap<DimensionIr, ReadonlyMap<string, number>>();

/** The place of a value, from 1: a look-up, since a dimension may have thousands. */
function placeOf(dimension: DimensionIr, value: string): number {
  let index = places.get(dimension);
  if (index === undefined) {
    index = new Map(dimension.values.map((text, place) => [text, place + 1]));
    places.set(dimension, index);
  }
  return index.get(value) as number;
}
