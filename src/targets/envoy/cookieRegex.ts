/** A cookie's value asked by regular expressions over the whole Cookie header. */
import type { TestIr } from "../../ir/index.ts";
import { withoutCharacter } from "../../regex/index.ts";
import { regexLiteral } from "./quote.ts";

/**
 * Full matches of a Cookie header of which all hold (for absent: none) when the first cookie of the name passes the test. RFC
 * 6265, 4.2.1: pairs with `;` between them; blanks before a name do not count.
 */
export function cookieRegexes(name: string, test: TestIr, value: string): readonly string[] {
  const start = `(?:${otherPair(`${name}=`)};[ \\t]*)*${regexLiteral(name)}=`;
  const isThere = `${start}[^;].*`;
  if (test === "exact") return [`${start}${regexLiteral(value)}(?:;.*)?`];
  if (test === "regex") return [`${start}(?:${withoutCharacter(value, ";")})(?:;.*)?`, isThere];
  return [isThere];
}

/** A pair, perhaps empty, that does not begin with `start`: character by character, the first one that differs. */
function otherPair(start: string): string {
  let rest = "";
  for (let index = start.length - 1; index >= 0; index--) {
    const character = start[index] as string;
    const blanks = index === 0 ? " \\t" : "";
    const same = rest === "" ? "" : `|${regexLiteral(character)}${rest}`;
    rest = `(?:[^;${blanks}${classLiteral(character)}][^;]*${same})?`;
  }
  return rest;
}

/** In a class only these mean something. */
function classLiteral(character: string): string {
  return /[\\^\-[\]]/.test(character) ? `\\${character}` : character;
}
