/** Versions of HAProxy that make a difference to what is written. */
import type { FleetIr } from "../../ir/index.ts";
import type { Version } from "../target.ts";
import { parseVersion } from "../version.ts";

/** What the output suits unless the fleet says otherwise: Debian 12 ships it, and nothing older was ever run. */
export const DEFAULT_VERSION: Version = [2, 6, 0];
/** Servers can begin down, `init-state`. */
export const INIT_STATE_SINCE: Version = [3, 1, 0];

/** The version that the output must suit. */
export function fleetVersion({ version }: FleetIr): Version {
  return version === null ? DEFAULT_VERSION : parseVersion(version);
}
