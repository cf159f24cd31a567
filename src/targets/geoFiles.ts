/** Geo tables as files of their own, of proxies that read files. */
import type { FleetIr, GeoTableIr } from "../ir/index.ts";
import type { Steps } from "../util/steps.ts";

/** The tables' files of a fleet: text by path. */
export type GeoFiles = (ir: FleetIr) => Steps<ReadonlyMap<string, string>>;

/** A table that did not change is not written again. */
export function createGeoFiles(
  pathOf: (table: string) => string,
  textOf: (table: GeoTableIr) => Steps<string>,
): GeoFiles {
  const known = new WeakMap<GeoTableIr, string>();
  return function* filesOf({ ports }) {
    const files = new Map<string, string>();
    for (const port of ports) {
      if (port.kind !== "http") continue;
      for (const table of port.geoTables) {
        const text = known.get(table) ?? (yield* textOf(table));
        known.set(table, text);
        files.set(pathOf(table.name), text);
      }
    }
    return files;
  };
}
