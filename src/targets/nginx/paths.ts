/**
 * Where nginx's locations can match the path decoded, as they do by themselves. The request policy refuses `//`, dot segments and
 * encoded unreserved characters, so what is made of those alone matches the decoded path exactly when it matches the sent one.
 */
import type { PathMatchIr } from "../../ir/index.ts";
import { linearRegex, matchesDecoded, matchesOnly } from "../../regex/index.ts";
import { literalPattern } from "./quote.ts";

/** The unreserved characters of RFC 3986, of which no encoded one is let in, and the slash. */
const PLAIN_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~/-";

/** Text of plain characters. */
export const PLAIN_TEXT = /^[A-Za-z0-9._~/-]*$/;

/** Whether the decoded path will do for this pattern. */
export function isPlainPath({ kind, value }: PathMatchIr): boolean {
  if (kind !== "regex") return PLAIN_TEXT.test(value);
  return matchesOnly(value, PLAIN_CHARACTERS) || matchesDecoded(value, PLAIN_CHARACTERS);
}

/** An expression for a location: of the whole path. `.` takes a line feed, too, which a decoded path can have. */
export function locationPattern(prefix: string, expression: string): string {
  const flags = matchesOnly(expression, PLAIN_CHARACTERS) ? "" : "(?s)";
  return `${flags}^${literalPattern(prefix)}(?:${linearRegex(expression).pattern})\\z`;
}
