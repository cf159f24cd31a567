/** For deviations that matter for short durations only. */
import type { JsonValue } from "../ir/index.ts";

const SECONDS_AND_MILLISECONDS = /^(?:(\d+)s)?(?:(\d+)ms)?$/;

/** Of a valid duration; one with minutes or hours is longer. `limitMs`: at most a minute. */
export function isShorterThan(limitMs: number): (duration: JsonValue) => boolean {
  return (duration) => {
    const parts = typeof duration === "string" ? SECONDS_AND_MILLISECONDS.exec(duration) : null;
    return parts !== null && Number(parts[1] ?? 0) * 1000 + Number(parts[2] ?? 0) < limitMs;
  };
}
