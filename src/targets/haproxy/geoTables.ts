/** Geo tables as maps from address ranges to labels: HAProxy takes the narrowest range that holds the address. */
import type { FleetIr, GeoTableIr } from "../../ir/index.ts";
import { mapSteps, type Steps } from "../../util/steps.ts";
import { geoMap, NO_LABEL } from "./names.ts";
import { mapKey, mapLine, mapValue } from "./quote.ts";

/**
 * All addresses: where the label of the others stands. Both are in each map: an address of IPv4 that no range has is looked for among
 * those of IPv6 (`::/0` would have it), and one of 6to4 among those of IPv4.
 */
const EVERYWHERE = ["0.0.0.0/0", "::/0"];

/** The tables' maps of a fleet, text by path; a table that did not change is not written again. */
export function createGeoFiles(): (ir: FleetIr) => Steps<ReadonlyMap<string, string>> {
  const known = new WeakMap<GeoTableIr, string>();
  return function* filesOf({ ports }) {
    const files = new Map<string, string>();
    for (const port of ports) {
      if (port.kind !== "http") continue;
      for (const table of port.geoTables) {
        const text = known.get(table) ?? (yield* textOf(table));
        known.set(table, text);
        files.set(geoMap(table.name), text);
      }
    }
    return files;
  };
}

function* textOf({ entries, defaultLabel }: GeoTableIr): Steps<string> {
  const lines = yield* mapSteps(entries, ({ cidr, label }) => mapLine(mapKey(cidr), mapValue(label)));
  const own = new Set(entries.map(({ cidr }) => cidr));
  const rest = EVERYWHERE.filter((cidr) => !own.has(cidr));
  return [...lines, ...rest.map((cidr) => mapLine(mapKey(cidr), mapValue(defaultLabel ?? NO_LABEL)))].join("");
}
