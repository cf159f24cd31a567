/** The meaning of value types: durations, hostnames. */

const DURATION = /^(?:(\d{1,9})h)?(?:(\d{1,9})m(?!s))?(?:(\d{1,9})s)?(?:(\d{1,9})ms)?$/;

/** Longest duration: HAProxy's timers hold 2^31 ms (24.8 days); a day is more than any timeout here needs. */
const MAX_DURATION_MS = 24 * 60 * 60 * 1000;

/** `1m30s` -> 90000; null when malformed, zero or above 24h. */
export function parseDuration(text: string): number | null {
  const parts = DURATION.exec(text);
  if (parts === null || text === "") return null;
  const [hours, minutes, seconds, millis] = parts.slice(1).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
  ];
  const total = ((hours * 60 + minutes) * 60 + seconds) * 1000 + millis;
  return total >= 1 && total <= MAX_DURATION_MS ? total : null;
}

/** A duration that validation has accepted. */
export function durationMs(text: string): number {
  const value = parseDuration(text);
  if (value === null) throw new Error(`duration ${JSON.stringify(text)} passed validation but cannot be read`);
  return value;
}

/** Any host. */
export const ANY_HOST = "*";

/**
 * The hosts that both patterns match, as one pattern, or null when there are none. Patterns are lower case: exact, `*.suffix`
 * or `*`. (Gateway API, HTTPRoute hostnames: the intersection with the listener's hostname.)
 */
export function intersectHostnames(a: string, b: string): string | null {
  if (a === b || b === ANY_HOST) return a;
  if (a === ANY_HOST) return b;
  if (covers(a, b)) return b;
  if (covers(b, a)) return a;
  return null;
}

/** Whether every host of `inner` is one of `outer`. */
export function covers(outer: string, inner: string): boolean {
  if (outer === ANY_HOST || outer === inner) return true;
  if (!outer.startsWith("*.")) return false;
  return inner.startsWith("*.")
    ? inner.endsWith(outer.slice(1))
    : inner.endsWith(outer.slice(1)) && inner.length > outer.length - 1;
}
