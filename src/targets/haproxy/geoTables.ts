/** A geo table as a map from address ranges to labels: HAProxy takes the narrowest range that holds the address. */
import type { GeoTableIr } from "../../ir/index.ts";
import { mapSteps, type Steps } from "../../util/steps.ts";
import { NO_LABEL } from "./names.ts";
import { mapKey, mapLine, mapValue } from "./quote.ts";

/**
 * All addresses: where the label of the others stands. Both are in each map: an address of IPv4 that no range has is looked for among
 * those of IPv6 (`::/0` would have it), and one of 6to4 among those of IPv4.
 */
const EVERYWHERE = ["0.0.0.0/0", "::/0"];

/** Its lines. */
export function* geoMapText({ entries, defaultLabel }: GeoTableIr): Steps<string> {
  const lines = yield* mapSteps(entries, ({ cidr, label }) => mapLine(mapKey(cidr), mapValue(label)));
  const own = new Set(entries.map(({ cidr }) => cidr));
  const rest = EVERYWHERE.filter((cidr) => !own.has(cidr));
  return [...lines, ...rest.map((cidr) => mapLine(mapKey(cidr), mapValue(defaultLabel ?? NO_LABEL)))].join("");
}
