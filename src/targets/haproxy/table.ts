/**
 * A choice as a table: each field that the group looks at has a class, and the classes together a rule. Written where the lines
 * of choice.ts are too many: the lines of a table are as many as the fields of all groups.
 */
import type { DimensionIr, RuleIr, TableIr } from "../../ir/index.ts";
import { contentHash } from "../../util/hash.ts";
import { type Steps, shouldYield } from "../../util/steps.ts";
import type { Quoted } from "../../util/templates.ts";
import { markedMatch } from "./conditions.ts";
import { readingOf } from "./fields.ts";
import { addLines, addShared, type FragmentBuilder } from "./fragment.ts";
import type { ListenerContext } from "./listenerContext.ts";
import { listenerMap, ruleKey } from "./names.ts";
import { expression, file, mapHexKey, mapKey, mapLine, mapValue, name, word } from "./quote.ts";
import { ruleOf } from "./survey.ts";

/** A group's table; `key` is what the path look-up finds. */
export interface OwnedTable {
  readonly rules: readonly RuleIr[];
  readonly table: TableIr;
  readonly key: string;
}

/** `dimension.hbs`: how the class of one field is found. `regex` null: by its exact value. */
interface DimensionView {
  readonly tag: Quoted<"name">;
  /** Finds the dimension in a group's list, `,tag,`. */
  readonly needle: Quoted<"word">;
  readonly value: Quoted<"expression">;
  readonly lines: Quoted<"expression"> | null;
  readonly count: Quoted<"expression"> | null;
  readonly regex: Quoted<"word"> | null;
  readonly file: Quoted<"file">;
}

/** Adds the group's fields, classes and rows. */
export function* addTable(
  builder: FragmentBuilder,
  { rules, table, key }: OwnedTable,
  context: ListenerContext,
): Steps<void> {
  // the lines of a listener find the classes in the order of the tags, so the rows' keys stand in that order too
  const dimensions = table.dimensions
    .map((dimension, place) => ({ dimension, place, tag: tagOf(dimension) }))
    .sort((a, b) => (a.tag < b.tag ? -1 : 1));
  const tags = dimensions.map(({ tag }) => tag).join(",");
  // HAProxy does not start without a file that is named: one that gets no line is there and empty
  for (const map of ["classes", "rows"]) addLines(builder, map, "");
  addLines(builder, "dimensions", mapLine(mapKey(key), mapValue(`,${tags},`)));
  for (const { dimension, tag } of dimensions) {
    addShared(builder, "dimensions", [tag, context.section("dimension", dimensionView(dimension, tag, context))]);
    if (dimension.kind === "regex") continue;
    const mark = dimension.field.kind === "path" ? "" : readingOf(dimension.field).mark;
    for (const [index, value] of dimension.values.entries()) {
      addLines(builder, "classes", mapLine(mapHexKey(`${key}|${tag}`, mark + value), mapValue(String(index + 1))));
      if (shouldYield(index)) yield;
    }
  }
  for (const [index, { classes, rule }] of table.rows.entries()) {
    if (shouldYield(index)) yield;
    const row = mapKey([key, ...dimensions.map(({ place }) => classes[place])].join("|"));
    addLines(builder, "rows", mapLine(row, mapValue(ruleKey(ruleOf(rules, { rule, pathRegex: null })))));
  }
}

function tagOf({ field, kind, values }: DimensionIr): string {
  const label = field.kind === "path" ? "path" : readingOf(field).label;
  return kind === "exact" ? label : `${label}.${contentHash(values[0] ?? "")}`;
}

function dimensionView({ field, kind, values }: DimensionIr, tag: string, context: ListenerContext): DimensionView {
  const [regex = ""] = values;
  const reading =
    field.kind === "path"
      ? { mark: "", value: expression`var(txn.path)`, text: expression`var(txn.path)`, lines: null, count: null }
      : readingOf(field);
  return {
    tag: name(tag),
    needle: word(`,${tag},`),
    value: kind === "regex" ? reading.value : reading.text,
    lines: reading.lines,
    count: reading.count,
    regex: kind === "regex" ? word(markedMatch(reading.mark, regex)) : null,
    file: file(listenerMap(context.listener, "classes")),
  };
}
