/** Proxies' versions: as fleets name them, and compared. */
import type { Version } from "./target.ts";

/** `1.22` -> `[1, 22, 0]`. */
export function parseVersion(text: string): Version {
  const [major = 0, minor = 0, patch = 0] = text.split(".").map(Number);
  return [major, minor, patch];
}

/** Whether `version` is older than `other`. */
export function isBefore(version: Version, other: Version): boolean {
  const place = version.findIndex((part, index) => part !== other[index]);
  return place >= 0 && (version[place] ?? 0) < (other[place] ?? 0);
}
