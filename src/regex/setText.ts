/** Sets of bytes as PCRE2 reads them. */
import { ANY_BYTE, type ByteSet, DIGIT, WORD } from "./tree.ts";

/** The shortest of: a character, `.`, a class, a class that lists what is not in it. What no text holds may be in or not. */
export function setText(set: ByteSet): string {
  if (set === ANY_BYTE) return ".";
  if (set === WORD) return "\\w";
  if (set === DIGIT) return "\\d";
  const others = ANY_BYTE & ~set;
  if ((set & (set - 1n)) === 0n) return character(set.toString(2).length - 1, /[\\^$.|?*+()[\]{}]/);
  const inside = `[${members(set)}]`;
  const outside = `[^${members(others)}]`;
  return outside.length < inside.length ? outside : inside;
}

function members(set: ByteSet): string {
  const known = [WORD, DIGIT].find((some) => (some & ~set) === 0n) ?? 0n;
  let text = known === 0n ? "" : setText(known);
  for (const { first, last } of rangesBetween(set & ~known, ANY_BYTE & ~set)) {
    text += member(first) + (last > first + 1 ? "-" : "") + (last > first ? member(last) : "");
  }
  return text;
}

/** Neighbouring bytes, both ends included. */
interface ByteRange {
  readonly first: number;
  readonly last: number;
}

/** The fewest ranges that a set is written with. */
export function rangesOf(set: ByteSet): readonly ByteRange[] {
  return rangesBetween(set, ANY_BYTE & ~set);
}

/** The fewest ranges that hold all of `wanted` and none of `others`. */
function rangesBetween(wanted: ByteSet, others: ByteSet): readonly ByteRange[] {
  const found: { first: number; last: number }[] = [];
  let isOpen = false;
  for (let byte = 0; byte < 256; byte++) {
    const bit = 1n << BigInt(byte);
    if ((others & bit) !== 0n) isOpen = false;
    if ((wanted & bit) === 0n) continue;
    const range = found.at(-1);
    if (isOpen && range !== undefined) range.last = byte;
    else found.push({ first: byte, last: byte });
    isOpen = true;
  }
  return found;
}

function member(byte: number): string {
  return character(byte, /[\\^\-[\]]/);
}

function character(byte: number, special: RegExp): string {
  if (byte < 0x20 || byte > 0x7e) return `\\x${byte.toString(16).padStart(2, "0")}`;
  const text = String.fromCharCode(byte);
  return special.test(text) ? `\\${text}` : text;
}
