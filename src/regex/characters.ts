/** Which characters the texts that an expression matches are made of. */
import { parseRegex } from "./parse.ts";
import { bytesOf, startOf } from "./shape.ts";
import { type ByteSet, withoutGroups } from "./tree.ts";

/** Whether each byte of each text that the expression (of the common dialect) matches is one of these ASCII characters. */
export function matchesOnly(text: string, characters: string): boolean {
  let allowed: ByteSet = 0n;
  for (const character of characters) allowed |= 1n << BigInt(character.charCodeAt(0));
  return (bytesOf(withoutGroups(parseRegex(text))) & ~allowed) === 0n;
}

/** Whether the expression (of the common dialect) can match an empty text. */
export function matchesEmpty(text: string): boolean {
  return startOf([withoutGroups(parseRegex(text))]).isNullable;
}
