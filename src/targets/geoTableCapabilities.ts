/** What every proxy does with the leaves of geo tables. */
import type { Capabilities } from "./target.ts";

/** All take any range, and the narrowest of those that hold an address. */
export const geoTableCapabilities = {
  "geoTable.name": "exact",
  "geoTable.labels": "exact",
  "geoTable.description": "exact",
  "geoTable.entries[].cidr": "exact",
  "geoTable.entries[].label": "exact",
  "geoTable.defaultLabel": "exact",
} as const satisfies Partial<Capabilities>;
