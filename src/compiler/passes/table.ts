/** How a path group of many candidates picks its rule by one look-up in a truth table. */
import {
  type CandidateIr,
  type DimensionIr,
  fieldKey,
  type RuleIr,
  type TableIr,
  type TableRowIr,
  type TestIr,
} from "../../ir/index.ts";

/** Fewer candidates than this are tried one after the other by every target. */
const MIN_CANDIDATES = 16;
/** A table larger than this (and than four rows a candidate) costs more memory than the chain costs time. */
const MAX_TABLE_ROWS = 512;
const MAX_ROWS_PER_CANDIDATE = 4;
/** Places in the tree of classes that candidates stand at, each counted for each candidate: 10 ms, and 2 MB while it is made. */
const MAX_PLACES = 200_000;

/** One condition of a candidate; the path is one of the fields here. */
interface Condition {
  readonly field: DimensionIr["field"];
  readonly test: TestIr;
  readonly value: string;
}

/** Null: the candidates are few, or ask too many different things. */
export function tableOf(rules: readonly RuleIr[], candidates: readonly CandidateIr[]): TableIr | null {
  if (candidates.length < MIN_CANDIDATES) return null;
  // An address range is no small class.
  if (candidates.some(({ rule }) => (rules[rule] as RuleIr).conditions.some(({ test }) => test === "within")))
    return null;
  const list = candidates.map((candidate) => ({ rule: candidate.rule, conditions: conditionsOf(rules, candidate) }));
  const dimensions = dimensionsOf(list.flatMap(({ conditions }) => conditions));
  const size = dimensions.reduce((product, dimension) => product * classesOf(dimension).length, 1);
  const collides = dimensions.some(
    ({ values }) => new Set(values.map((value) => value.toLowerCase())).size < values.length,
  );
  // nginx compares the keys of a map without regard to case: values that differ only by case need the chain.
  if (size > Math.max(MAX_TABLE_ROWS, MAX_ROWS_PER_CANDIDATE * candidates.length) || collides) return null;
  if (countPlaces(dimensions, list) > MAX_PLACES) return null;
  return Object.freeze({ dimensions, rows: rowsOf(dimensions, list) });
}

function conditionsOf(rules: readonly RuleIr[], { rule, pathRegex }: CandidateIr): readonly Condition[] {
  const { conditions } = rules[rule] as RuleIr;
  return pathRegex === null ? conditions : [{ field: PATH, test: "regex", value: pathRegex }, ...conditions];
}

const PATH = Object.freeze({ kind: "path" as const });

function keyOf(field: DimensionIr["field"]): string {
  return field.kind === "path" ? "path" : fieldKey(field);
}

/** Exact dimensions: one per field; regex dimensions: one per field and expression. In order of first use. */
function dimensionsOf(conditions: readonly Condition[]): DimensionIr[] {
  const exact = new Map<string, { field: DimensionIr["field"]; values: Set<string> }>();
  const regex = new Map<string, DimensionIr>();
  for (const { field, test, value } of conditions) {
    const key = keyOf(field);
    if (test === "regex") {
      regex.set(`${key} ${value}`, { field, kind: "regex", values: [value] });
      continue;
    }
    const dimension = exact.get(key) ?? { field, values: new Set<string>() };
    if (test === "exact") dimension.values.add(value);
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

/** A candidate stands at one place for each class that it accepts, below each place in the dimension before. */
function countPlaces(dimensions: readonly DimensionIr[], list: readonly Listed[]): number {
  let places = 0;
  for (const { conditions } of list) {
    const tests = new Map(conditions.map(({ field, test, value }) => [tableKey(field, test, value), test]));
    let width = 1;
    for (const { field, kind, values } of dimensions) {
      const test = tests.get(tableKey(field, kind === "regex" ? "regex" : "exact", values[0] as string));
      const classes = kind === "regex" ? 2 : values.length + 2;
      width *= test === undefined ? classes : test === "present" ? classes - 1 : 1;
      places += width;
    }
    if (places > MAX_PLACES) break;
  }
  return places;
}

/** Equal for a test and the dimension that it is of. */
function tableKey(field: DimensionIr["field"], test: TestIr, value: string): string {
  return test === "regex" ? `${keyOf(field)} ${value}` : keyOf(field);
}

type Listed = { readonly rule: number; readonly conditions: readonly Condition[] };

function rowsOf(dimensions: readonly DimensionIr[], list: readonly Listed[]): TableRowIr[] {
  const axes = dimensions.map((dimension) => ({ dimension, places: placesOf(dimension) }));
  const tests = list.map(({ rule, conditions }) => ({ rule, allowed: allowedClasses(axes, conditions) }));
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
function allowedClasses(axes: readonly Axis[], conditions: readonly Condition[]): (ReadonlySet<string> | null)[] {
  return axes.map((axis) => {
    let allowed: Set<string> | null = null;
    for (const condition of conditions) {
      const accepted = accepts(axis, condition);
      if (accepted === null) continue;
      allowed = allowed === null ? new Set(accepted) : new Set(accepted.filter((name) => allowed?.has(name)));
    }
    return allowed;
  });
}

/** The classes of the dimension that a condition accepts; null when it does not look at it. */
function accepts({ dimension, places }: Axis, { field, test, value }: Condition): string[] | null {
  if (keyOf(field) !== keyOf(dimension.field)) return null;
  if (test === "regex") return dimension.kind === "regex" && dimension.values[0] === value ? ["1"] : null;
  if (dimension.kind === "regex") return null;
  if (test === "present") return classesOf(dimension).filter((name) => name !== "a");
  if (test === "absent") return ["a"];
  return [String(places.get(value))];
}

/** A dimension, and the place of each of its values, from 1: a look-up, since there may be thousands. */
interface Axis {
  readonly dimension: DimensionIr;
  readonly places: ReadonlyMap<string, number>;
}

function placesOf({ values }: DimensionIr): ReadonlyMap<string, number> {
  return new Map(values.map((text, place) => [text, place + 1]));
}
