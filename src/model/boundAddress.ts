/** Where a listener listens. */
import { defaults } from "../gen/defaults.ts";
import { canonicalAddress } from "./addresses.ts";
import type { Fleet, Listener } from "./types.ts";

/** Where the fleet opens the listener, canonical. */
export function boundAddress(listener: Listener, fleet: Fleet | undefined): string {
  return canonicalAddress(listener.address ?? fleet?.bindAddress ?? defaults["fleet.bindAddress"]);
}
