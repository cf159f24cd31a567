/** A path whose matched prefix is replaced: of a rewrite and of a redirect. */

import type { TextView } from "./policyViews.ts";
import { literalPattern, type Part, variable } from "./quote.ts";
import { placeText } from "./texts.ts";

/** How the new path and the query are made of `$request_uri`. */
export interface ReplacedPrefix {
  /** Matches it, and gives `$rest`. */
  readonly pattern: string;
  readonly texts: readonly TextView[];
  readonly parts: readonly Part[];
}

/** What the prefix leaves of path and query. Not `$1`: `set` would encode its `%` once more. */
const REST = variable("rest");

/** `/` as replacement strips the prefix. */
export function replacedPrefix(prefix: string, replacement: string): ReplacedPrefix {
  const isStripped = replacement === "/";
  const matched = literalPattern(prefix === "/" ? "" : prefix);
  const { texts, part } = placeText("new_prefix", replacement);
  return { pattern: `^${matched}${isStripped ? "/?" : ""}(?<rest>.*)$`, texts, parts: [part, REST] };
}
