/**
 * How a path group finds its rule: by looking up a signature. Each field that the group looks at is reduced to a small class
 * (`a` absent, `o` other, `1..n` a listed value; `0`, `1` for a regex); the classes joined by `|` are the signature. A table
 * group finds the signature in one hash map, a chain group tries one short pattern per candidate.
 */
import type { CandidateIr, DimensionIr, FieldIr, PathGroupIr, RuleIr, VirtualHostIr } from "../../ir/index.ts";
import { headerVariable, type Namer, underscored } from "./names.ts";
import {
  chunks,
  literalPattern,
  type MapEntry,
  type MapLines,
  mapEntry,
  mapKey,
  mapLines,
  mapRegexKey,
  param,
  type Variable,
  variable,
  word,
} from "./quote.ts";

/** The class of a field by exact value: which map tells it. */
export interface ExactField {
  readonly id: string;
  readonly source: Variable;
}

/** A regex that some group asks: one bit. */
export interface RegexBit {
  readonly name: string;
  readonly source: Variable;
  readonly pattern: string;
}

/** The classes that make up a signature. */
export interface Signature {
  readonly id: string;
  readonly classes: readonly Variable[];
}

/** What a group adds to the http block. */
export interface Lookup {
  readonly key: string;
  readonly signature: Signature;
  /** The variable that gives the rule's id, or nothing. */
  readonly result: Variable;
  readonly exactFields: readonly ExactField[];
  readonly bits: readonly RegexBit[];
  /** Field id -> entries of its value map. */
  readonly values: ReadonlyMap<string, MapLines>;
  /** Entries of the table map; null for a chain. */
  readonly rows: MapLines | null;
  /** Entries of the group's own map; null for a table. */
  readonly chain: MapLines | null;
}

/** The map in which all table groups look up `<group>|<signature>`. */
export const TABLE = variable("rt");

/** Lowers a group whose decision is not direct. `key` names the group among all ports. */
export function lowerLookup(group: PathGroupIr, host: VirtualHostIr, context: LookupContext): Lookup {
  const { decision } = group;
  if (decision.kind === "direct") throw new Error(`group ${group.id} needs no lookup`);
  const { namer, key } = context;
  const dimensions = decision.kind === "table" ? decision.dimensions : dimensionsOf(group.candidates, host.rules);
  const exact = dimensions.filter(({ kind }) => kind === "exact");
  const bits = new Map(
    dimensions.filter(({ kind }) => kind === "regex").map((dimension) => [dimension, regexBit(dimension, namer)]),
  );
  const classes = dimensions.map((dimension) => variable(bits.get(dimension)?.name ?? `k_${fieldId(dimension.field)}`));
  const shared = {
    key,
    signature: {
      id: `t${namer(
        "signature",
        classes.map(({ text }) => text),
      )}`,
      classes,
    },
    exactFields: exact.map(({ field }) => ({ id: fieldId(field), source: fieldSource(field) })),
    bits: [...bits.values()],
    values: new Map(exact.map((dimension) => [fieldId(dimension.field), mapLines(valueEntries(dimension, key))])),
  };
  if (decision.kind === "chain") {
    const result = variable(`ch_${key.replace(/[-.]/g, "_")}`);
    return { ...shared, result, rows: null, chain: mapLines(chainEntries(group.candidates, host.rules, dimensions)) };
  }
  const rows = decision.rows.map(({ classes: row, rule }) =>
    mapEntry(mapKey(`${key}|${row.join("|")}`), word(ruleAt(host.rules, rule).id)),
  );
  return { ...shared, result: TABLE, rows: mapLines(rows), chain: null };
}

export interface LookupContext {
  readonly namer: Namer;
  /** `<port id>.<group id>`. */
  readonly key: string;
}

/** The rule that a group's candidate or row names. */
export function ruleAt(rules: readonly RuleIr[], index: number): RuleIr {
  const rule = rules[index];
  if (rule === undefined) throw new Error(`no rule ${index}`);
  return rule;
}

function fieldId(field: FieldIr): string {
  return field.kind === "header" ? `h_${underscored(field.name)}` : field.kind === "method" ? "m" : "p";
}

function fieldSource(field: FieldIr): Variable {
  if (field.kind === "header") return headerVariable(field.name);
  return variable(field.kind === "method" ? "request_method" : "p");
}

function regexBit({ field, values }: DimensionIr, namer: Namer): RegexBit {
  const pattern = values[0];
  if (pattern === undefined) throw new Error("a regex dimension without its regex");
  return { name: `b_${namer("bit", [fieldId(field), pattern])}`, source: fieldSource(field), pattern };
}

/**
 * Where a value stands among the group's. nginx's map keys know no case, so the look-up gives `n:value`, which a second map
 * compares with the field exactly; values that differ only in case, or are too long to be given back, are patterns (`=n`).
 */
function valueEntries({ values }: DimensionIr, key: string): readonly MapEntry[] {
  const spellings = new Map<string, number>();
  for (const value of values) spellings.set(value.toLowerCase(), (spellings.get(value.toLowerCase()) ?? 0) + 1);
  return values.map((value, index) => {
    const whole = `${key}|${value}`;
    const isAlone = spellings.get(value.toLowerCase()) === 1 && chunks(whole).length === 1;
    if (isAlone) return mapEntry(mapKey(whole), param(`${index + 1}:${value}`));
    return mapEntry(mapRegexKey(`^${literalPattern(whole)}$`), param(`=${index + 1}`));
  });
}

/** The dimensions of a chain: what its candidates ask, in the order in which they ask it. */
function dimensionsOf(candidates: readonly CandidateIr[], rules: readonly RuleIr[]): readonly DimensionIr[] {
  const exact = new Map<string, { field: FieldIr; kind: "exact"; values: string[] }>();
  const found = new Map<string, DimensionIr>();
  for (const candidate of candidates) {
    for (const { field, kind, value } of conditionsOf(candidate, rules)) {
      if (kind === "regex") {
        found.set(`${fieldId(field)}~${value}`, { field, kind, values: [value] });
        continue;
      }
      const id = fieldId(field);
      const dimension = exact.get(id) ?? { field, kind: "exact" as const, values: [] };
      exact.set(id, dimension);
      found.set(id, dimension);
      if (kind === "exact" && !dimension.values.includes(value)) dimension.values.push(value);
    }
  }
  return [...found.values()];
}

interface Condition {
  readonly field: FieldIr;
  readonly kind: "exact" | "regex" | "present" | "absent";
  readonly value: string;
}

function conditionsOf({ rule, pathRegex }: CandidateIr, rules: readonly RuleIr[]): readonly Condition[] {
  const { method, headers } = ruleAt(rules, rule);
  return [
    ...(pathRegex === null ? [] : [{ field: { kind: "path" }, kind: "regex", value: pathRegex } as const]),
    ...(method === null ? [] : [{ field: { kind: "method" }, kind: "exact", value: method } as const]),
    ...headers.map(({ name, kind, value }) => ({ field: { kind: "header", name } as const, kind, value })),
  ];
}

function chainEntries(
  candidates: readonly CandidateIr[],
  rules: readonly RuleIr[],
  dimensions: readonly DimensionIr[],
): readonly MapEntry[] {
  const entries: MapEntry[] = [];
  for (const candidate of candidates) {
    const conditions = conditionsOf(candidate, rules);
    const parts = dimensions.map((dimension) => classPattern(dimension, conditions));
    if (parts.includes(null)) continue;
    entries.push(mapEntry(mapRegexKey(`^${parts.join("\\|")}$`), word(ruleAt(rules, candidate.rule).id)));
  }
  return entries;
}

/** The classes of one dimension that meet all conditions on it; null: none does. */
function classPattern({ field, kind, values }: DimensionIr, conditions: readonly Condition[]): string | null {
  const asked = conditions.filter((condition) => fieldId(condition.field) === fieldId(field));
  if (kind === "regex") {
    return asked.some((condition) => condition.kind === "regex" && condition.value === values[0]) ? "1" : "[01]";
  }
  let allowed = ["a", "o", ...values.map((_, index) => String(index + 1))];
  const all = allowed.length;
  for (const condition of asked) {
    if (condition.kind === "regex") continue;
    const wanted = String(values.indexOf(condition.value) + 1);
    allowed = allowed.filter((name) =>
      condition.kind === "exact" ? name === wanted : (name === "a") === (condition.kind === "absent"),
    );
  }
  if (allowed.length === 0) return null;
  if (allowed.length === all) return "[^|]+";
  return allowed.length === 1 ? (allowed[0] as string) : "[^|a]+";
}
