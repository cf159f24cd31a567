/** Words that show where they begin: what they begin with stands nowhere else in them. */
import { isSetRepeat, setsOf, startOf } from "./shape.ts";
import type { ByteSet, RegexNode } from "./tree.ts";

/** One byte of a word. */
interface Part {
  readonly set: ByteSet;
  /** Any number of such bytes, also none. */
  readonly isLoop: boolean;
}

/** Longer words are not looked at: the look takes the square of it. */
const MAX_PARTS = 200;

/**
 * How many bytes tell where the word begins: those before its first loop, of which no match of the word holds another match
 * (one that goes beyond its end does not count). From one place the word matches in one way only. Null: not so.
 */
export function markLength(word: readonly RegexNode[]): number | null {
  const parts = partsOf(word);
  if (parts === null || !isDeterministic(word)) return null;
  const loop = parts.findIndex(({ isLoop }) => isLoop);
  const mark = parts.slice(0, loop < 0 ? parts.length : loop);
  if (mark.length === 0) return null;
  return parts.some((_, index) => index > 0 && holds(parts, index, mark)) ? null : mark.length;
}

function partsOf(word: readonly RegexNode[]): readonly Part[] | null {
  const parts: Part[] = [];
  for (const node of word) {
    const isLoop = isSetRepeat(node) && node.max === Number.POSITIVE_INFINITY;
    const sets = isLoop ? Array.from({ length: node.min }, () => node.body.set) : setsOf(node);
    if (sets === null || parts.length + sets.length >= MAX_PARTS) return null;
    parts.push(...sets.map((set) => ({ set, isLoop: false })));
    if (isLoop) parts.push({ set: node.body.set, isLoop });
  }
  return parts;
}

/** Whether the next byte tells where each loop ends. */
function isDeterministic(word: readonly RegexNode[]): boolean {
  return word.every((node, index) => {
    if (!isSetRepeat(node) || node.min === node.max) return true;
    const { first, isNullable } = startOf(word.slice(index + 1));
    return !isNullable && (node.body.set & first) === 0n;
  });
}

/** Whether the mark can match from the part at `from` on and end before the word does. */
function holds(parts: readonly Part[], from: number, mark: readonly Part[]): boolean {
  let at = new Set([from]);
  for (const { set } of mark) {
    const matching = [...at].filter((index) => ((parts[index] as Part).set & set) !== 0n);
    at = new Set(matching.flatMap((index) => after(parts, index)));
  }
  return at.size > 0;
}

/** Where the next byte can be; nothing at the end. */
function after(parts: readonly Part[], index: number): readonly number[] {
  const next: number[] = parts[index]?.isLoop ? [index] : [];
  for (let at = index + 1; at < parts.length; at++) {
    next.push(at);
    if (!parts[at]?.isLoop) break;
  }
  return next;
}
