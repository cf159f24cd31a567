/** Geo tables as files of their own: a variable for each, which holds the label of the connection's address. */
import type { FleetIr, GeoTableIr } from "../../ir/index.ts";
import { mapSteps, type Steps } from "../../util/steps.ts";
import { block } from "./blocks.ts";
import { underscored } from "./names.ts";
import { comment, type MapEntry, mapEntries, mapEntry, mapKey, param, type Variable, variable, word } from "./quote.ts";

/** Text by path. */
type Files = ReadonlyMap<string, string>;

/** The variable of a table: no other begins so. */
export function geoVariable(table: string): Variable {
  return variable(`geo_${underscored(table)}`);
}

/** The tables' files of a fleet; a table that did not change is not written again. */
export function createGeoFiles(): (ir: FleetIr) => Steps<Files> {
  const known = new WeakMap<GeoTableIr, string>();
  return function* filesOf({ ports }) {
    const files = new Map<string, string>();
    for (const port of ports) {
      if (port.kind !== "http") continue;
      for (const table of port.geoTables) {
        const text = known.get(table) ?? (yield* textOf(table));
        known.set(table, text);
        files.set(`geo/${table.name}.conf`, text);
      }
    }
    return files;
  };
}

function* textOf({ name, entries, defaultLabel }: GeoTableIr): Steps<string> {
  const lines = yield* mapSteps(entries, ({ cidr, label }): MapEntry => mapEntry(mapKey(cidr), param(label)));
  const view = {
    comment: comment(name),
    name: geoVariable(name),
    rest: defaultLabel === null ? null : word(defaultLabel),
    entries: mapEntries(lines),
  };
  return block("geoTable", view).text;
}
