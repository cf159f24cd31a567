/**
 * Where nginx's locations see a path as it was sent. They match the decoded path; the request policy refuses `//`, dot segments and
 * encoded unreserved characters, so what is made of those alone matches the decoded path exactly when it matches the sent one.
 */
import type { PathMatchIr } from "../../ir/index.ts";
import { matchesOnly } from "../../regex/index.ts";

/** The unreserved characters of RFC 3986, of which no encoded one is let in, and the slash. */
const PLAIN_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~/-";

/** Text of plain characters. */
export const PLAIN_TEXT = /^[A-Za-z0-9._~/-]*$/;

/** Whether the decoded path will do for this pattern. */
export function isPlainPath({ kind, value }: PathMatchIr): boolean {
  return kind === "regex" ? matchesOnly(value, PLAIN_CHARACTERS) : PLAIN_TEXT.test(value);
}
