/** Versions of HAProxy that make a difference to what is written. */
import type { FleetIr } from "../../ir/index.ts";
import type { Version } from "../target.ts";

/** What the output suits unless the fleet says otherwise: Debian 12 ships it, and nothing older was ever run. */
export const DEFAULT_VERSION: Version = [2, 6, 0];
/** Servers can begin down, `init-state`. */
export const INIT_STATE_SINCE: Version = [3, 1, 0];

/** The version that the output must suit. */
export function fleetVersion({ version }: FleetIr): Version {
  if (version === null) return DEFAULT_VERSION;
  const [major = 0, minor = 0, patch = 0] = version.split(".").map(Number);
  return [major, minor, patch];
}

/** Whether `version` is older than `other`. */
export function isBefore(version: Version, other: Version): boolean {
  const place = version.findIndex((part, index) => part !== other[index]);
  return place >= 0 && (version[place] ?? 0) < (other[place] ?? 0);
}
