/** Each field that rules can look at: where a match names it, what a request has there, and how to say it. */
import { type ConditionIr, FIELD_KINDS, type FieldIr, GRPC_CONTENT, type RuleIr } from "../ir/index.ts";
import { canonicalCidr, type Route } from "../model/index.ts";
import { compareText } from "../util/sorted.ts";

/** A match of a rule, as the user wrote it. */
export type MatchBody = NonNullable<Route["rules"][number]["matches"]>[number];

/** What is known of a request that is explained. */
export interface Asked {
  readonly method: string;
  /** Raw path with optional query. */
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  /** The client's address; undefined: not known, and in no range. */
  readonly source?: string | undefined;
  /** The label of that address in a table; empty: it has none. */
  readonly labelIn?: (table: string) => string;
}

/** Empty lines before and after those with a value say nothing: who denies the value denies it with them (docs/decisions/0011). */
const EMPTY_ENDS = /^(?:, )+|(?:, )+$/g;

/** A field's content. `value` is what exact and regex are asked of: empty when there is none; several lines are joined. */
export interface FieldContent {
  readonly value: string;
  readonly isPresent: boolean;
}

interface Field<F extends FieldIr> {
  /** The conditions of a match on this field; undefined: it does not look at it. */
  readonly conditions: (match: MatchBody) => readonly ConditionIr[] | undefined;
  readonly read: (field: F, asked: Asked) => FieldContent;
  /** As people call it: `the method`, `header x-env`. */
  readonly title: (field: F) => string;
  /** What more conditions of this kind are called where they decide precedence: `header conditions`. */
  readonly plural: string;
}

type Fields = { readonly [K in FieldIr["kind"]]: Field<Extract<FieldIr, { kind: K }>> };

/** A condition on a field that has a name: exactly one of four tests. */
interface NamedTest {
  readonly name: string;
  readonly exact?: string;
  readonly regex?: string;
  readonly present?: true;
  readonly absent?: true;
}

const fields: Fields = {
  method: {
    conditions: ({ method }) =>
      method === undefined ? undefined : [Object.freeze({ field: METHOD, test: "exact", value: method })],
    read: (_field, { method }) => ({ value: method, isPresent: method !== "" }),
    title: () => "the method",
    plural: "a method",
  },
  header: {
    conditions: ({ headers }) =>
      headers?.map((test) => testOf({ kind: "header", name: test.name.toLowerCase() }, test as NamedTest)),
    read({ name }, { headers }) {
      const values = headers.filter(([other]) => other.toLowerCase() === name).map(([, text]) => text);
      // RFC 9110, 5.3: several lines are one list. It is there when one of its lines has a value.
      const joined = values.length < 2 ? (values[0] ?? "") : values.join(", ").replaceAll(EMPTY_ENDS, "");
      return { value: joined, isPresent: values.some((value) => value !== "") };
    },
    title: ({ name }) => `header ${name}`,
    plural: "header conditions",
  },
  query: {
    conditions: ({ query }) => query?.map((test) => testOf({ kind: "query", name: test.name }, test as NamedTest)),
    read({ name }, { path }) {
      const at = path.indexOf("?");
      const found =
        at < 0
          ? undefined
          : path
              .slice(at + 1)
              .split("&")
              .find((pair) => nameOf(pair) === name);
      return { value: found === undefined ? "" : found.slice(name.length + 1), isPresent: found !== undefined };
    },
    title: ({ name }) => `query parameter ${name}`,
    plural: "query conditions",
  },
  cookie: {
    conditions: ({ cookies }) => cookies?.map((test) => testOf({ kind: "cookie", name: test.name }, test as NamedTest)),
    read({ name }, { headers }) {
      const lines = headers.filter(([field]) => field.toLowerCase() === "cookie").map(([, text]) => text);
      // Several lines are one (RFC 9113, 8.2.3), which no client sends in HTTP/1 (RFC 6265, 5.4).
      const pairs = lines
        .join("; ")
        .split(";")
        .map((pair) => pair.replace(/^[ \t]+/, ""));
      const value = pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1) ?? "";
      return { value, isPresent: value !== "" };
    },
    title: ({ name }) => `cookie ${name}`,
    plural: "cookie conditions",
  },
  source: {
    conditions: ({ source }) =>
      source === undefined
        ? undefined
        : [
            Object.freeze({
              field: SOURCE,
              test: "within",
              value: [...new Set(source.map(canonicalCidr))].sort().join(" "),
            }),
          ],
    read: (_field, { source = "" }) => ({ value: source, isPresent: source !== "" }),
    title: () => "the client's address",
    plural: "source conditions",
  },
  geo: {
    conditions: ({ geo }) => (geo === undefined ? undefined : [labelTest(geo)]),
    read({ name }, { labelIn }) {
      const value = labelIn?.(name) ?? "";
      return { value, isPresent: value !== "" };
    },
    title: ({ name }) => `the client's label in ${name}`,
    plural: "geo conditions",
  },
};

/** What stands before the first `=`. */
function nameOf(pair: string): string {
  return pair.split("=", 1)[0] as string;
}

const METHOD: FieldIr = Object.freeze({ kind: "method" });
const SOURCE: FieldIr = Object.freeze({ kind: "source" });

function testOf(field: FieldIr, { exact, regex, present }: NamedTest): ConditionIr {
  Object.freeze(field);
  if (exact !== undefined) return Object.freeze({ field, test: "exact", value: exact });
  if (regex !== undefined) return Object.freeze({ field, test: "regex", value: regex });
  return Object.freeze({ field, test: present ? "present" : "absent", value: "" });
}

/** One label is compared; several are an expression, which every proxy asks of any field. */
function labelTest({ table, labels }: NonNullable<MatchBody["geo"]>): ConditionIr {
  const field = Object.freeze({ kind: "geo" as const, name: table });
  const [only = "", ...others] = [...new Set(labels)].sort();
  if (others.length === 0) return Object.freeze({ field, test: "exact", value: only });
  return Object.freeze({ field, test: "regex", value: [only, ...others].map(literal).join("|") });
}

/**
 * These conditions, and that the client has this label of the table; null: they ask for another one. A condition that asks for labels of
 * the table gives way to the one label.
 */
export function withLabel(
  conditions: readonly ConditionIr[],
  table: string,
  label: string,
): readonly ConditionIr[] | null {
  const own = labelTest({ table, labels: [label] });
  const others = conditions.filter(({ field }) => field.kind !== "geo" || field.name !== table);
  const allows = ({ test, value }: ConditionIr): boolean =>
    test === "exact" ? value === label : value.split("|").includes(literal(label));
  if (!conditions.every((condition) => others.includes(condition) || allows(condition))) return null;
  const geo = others.filter(({ field }) => field.kind === "geo");
  // FIELD_KINDS ends with it.
  return [...others.filter((condition) => !geo.includes(condition)), ...inOrder([...geo, own])];
}

/** A label as an expression: of its characters only the dot means something. */
function literal(label: string): string {
  return label.replaceAll(".", "\\.");
}

const NONE: readonly ConditionIr[] = [];
const inFieldOrder = FIELD_KINDS.map((kind) => fields[kind].conditions);

/** That a request is a call: what a match of a gRPC route asks for beside what it says. */
const IS_CALL: ConditionIr = Object.freeze({
  field: Object.freeze({ kind: "header", name: "content-type" }),
  test: "regex",
  value: GRPC_CONTENT,
});

/** All conditions of a match: distinct, by kind, then name, test and value. */
export function conditionsOf(match: MatchBody, protocol: RuleIr["protocol"]): readonly ConditionIr[] {
  let found = NONE;
  for (let index = 0; index < inFieldOrder.length; index++) {
    const own = inFieldOrder[index]?.(match);
    const list = protocol === "grpc" && FIELD_KINDS[index] === "header" ? [IS_CALL, ...(own ?? NONE)] : own;
    if (list !== undefined) found = [...found, ...(list.length === 1 ? list : inOrder(list))];
  }
  return found;
}

function inOrder(list: readonly ConditionIr[]): readonly ConditionIr[] {
  const byText = new Map(list.map((condition) => [conditionText(condition), condition]));
  return [...byText.keys()].sort(compareText).map((text) => byText.get(text) as ConditionIr);
}

/** Distinct for distinct conditions. */
export function conditionText({ field, test, value }: ConditionIr): string {
  return `${"name" in field ? `${field.name} ` : ""}${test} ${value}`;
}

/** What a request has in a field. */
export function readField(field: FieldIr, asked: Asked): FieldContent {
  return fieldOf(field).read(field as never, asked);
}

/** A field as people call it. */
export function fieldTitle(field: FieldIr): string {
  return fieldOf(field).title(field as never);
}

function fieldOf(field: FieldIr): Field<FieldIr> {
  return fields[field.kind] as unknown as Field<FieldIr>;
}

/**
 * Which of two lists of conditions makes a rule come first, all else being equal: the first kind of field, in order, of which
 * one has more. Negative: the first list. `kind`: that kind in words.
 */
export function compareConditions(
  a: readonly ConditionIr[],
  b: readonly ConditionIr[],
): { readonly order: number; readonly kind: string | null } {
  // Nearly all rules of a large model have none.
  if (a.length === 0 && b.length === 0) return EVEN;
  for (const kind of FIELD_KINDS) {
    const order = count(b, kind) - count(a, kind);
    if (order !== 0) return { order, kind: fields[kind].plural };
  }
  return EVEN;
}

const EVEN = { order: 0, kind: null } as const;

function count(conditions: readonly ConditionIr[], kind: FieldIr["kind"]): number {
  let found = 0;
  for (const { field } of conditions) if (field.kind === kind) found++;
  return found;
}
