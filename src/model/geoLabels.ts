/** What a geo table can say of a client. */
import type { Bodies } from "./types.ts";

/** Every label that the table gives. */
export function labelsGiven({ entries, defaultLabel }: Bodies["geoTable"]): ReadonlySet<string> {
  const labels = new Set(entries.map(({ label }) => label));
  return defaultLabel === undefined ? labels : labels.add(defaultLabel);
}

/** Each makes a cluster, and one more rule of each that forwards there: more would be a map of data centres, not of regions. */
export const MAX_LOCAL_ZONES = 16;

/** The zones of a cluster's endpoints that are labels of the table of `locality.preferLocal`, ascending. */
export function localZones({ endpoints }: Bodies["cluster"], labels: ReadonlySet<string>): readonly string[] {
  return [...new Set(endpoints.flatMap(({ zone = [] }) => zone))].filter((zone) => labels.has(zone)).sort();
}

/** How many those may be, whatever the table is. */
export function mostLocalZones({ endpoints, locality }: Bodies["cluster"]): number {
  if (locality?.preferLocal === undefined) return 0;
  return Math.min(MAX_LOCAL_ZONES, new Set(endpoints.flatMap(({ zone = [] }) => zone)).size);
}
