/** Geo tables as files of their own: a variable for each, which holds the label of the connection's address. */
import type { GeoTableIr } from "../../ir/index.ts";
import { mapSteps, type Steps } from "../../util/steps.ts";
import { block } from "./blocks.ts";
import { underscored } from "./names.ts";
import { comment, type MapEntry, mapEntries, mapEntry, mapKey, param, type Variable, variable, word } from "./quote.ts";

/** The variable of a table: no other begins so. */
export function geoVariable(table: string): Variable {
  return variable(`geo_${underscored(table)}`);
}

/** The file of a table. */
export function geoFile(table: string): string {
  return `geo/${table}.conf`;
}

/** Its block. */
export function* geoText({ name, entries, defaultLabel }: GeoTableIr): Steps<string> {
  const lines = yield* mapSteps(entries, ({ cidr, label }): MapEntry => mapEntry(mapKey(cidr), param(label)));
  const view = {
    comment: comment(name),
    name: geoVariable(name),
    rest: defaultLabel === null ? null : word(defaultLabel),
    entries: mapEntries(lines),
  };
  return block("geoTable", view).text;
}
