/** A path whose matched prefix is replaced: of a rewrite and of a redirect. */
import { literalPattern, type Part } from "./quote.ts";
import { placeText } from "./texts.ts";
import type { TextView } from "./views.ts";

/** How the new path and the query are made of `$request_uri`. */
export interface ReplacedPrefix {
  /** Matches it; its group is what the prefix leaves. */
  readonly pattern: string;
  readonly texts: readonly TextView[];
  /** What comes before the group. */
  readonly start: Part;
}

/** `/` as replacement strips the prefix. */
export function replacedPrefix(prefix: string, replacement: string): ReplacedPrefix {
  const isStripped = replacement === "/";
  const matched = literalPattern(prefix === "/" ? "" : prefix);
  const { texts, part } = placeText("new_prefix", replacement);
  return { pattern: `^${matched}${isStripped ? "/?" : ""}(.*)$`, texts, start: part };
}
