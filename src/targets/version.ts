/** Proxies' versions: as fleets name them, and compared. */
import type { JsonValue } from "../ir/index.ts";
import type { Support, Version } from "./target.ts";

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

/** What a target says of a fleet's `version` that is older than the oldest it writes for. */
export function tooOld(proxy: string, oldest: Version, code: string) {
  const text = oldest.slice(0, 2).join(".");
  return {
    refused: `is too old: Trimtab writes for ${proxy} ${text} or later`,
    code,
    when: (value: JsonValue) => typeof value === "string" && isBefore(parseVersion(value), oldest),
  } as const satisfies Support;
}
