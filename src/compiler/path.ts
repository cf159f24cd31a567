/** Paths as the IR has them. */

/** A slash at the end of a prefix is ignored (Gateway API, PathPrefix); `/` stays. */
export function withoutTrailingSlash(prefix: string): string {
  // Nearly all have none: they are not searched.
  return prefix.endsWith("/") ? prefix.replace(/\/+$/, "") || "/" : prefix;
}
