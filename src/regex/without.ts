/** An expression for values that cannot hold some character, put inside one for a longer text. */
import { parseRegex } from "./parse.ts";
import { rangesOf } from "./setText.ts";
import { ANY_BYTE, type ByteSet, byteSet, type WrittenRegex } from "./tree.ts";

/** Matches nothing. */
const NEVER = "[^\\x00-\\x{10FFFF}]";

/**
 * The expression (of the common dialect, without anchors) in RE2's syntax, so that no part of it matches `character`: what it
 * matches of texts that do not hold the character stays the same.
 */
export function withoutCharacter(text: string, character: string): string {
  return written(parseRegex(text), byteSet(character));
}

/** Whether the expression has a `^`, `$` or the like: it means another place inside of a longer text. */
export function hasAnchor(text: string): boolean {
  return anchored(parseRegex(text));
}

function anchored(node: WrittenRegex): boolean {
  switch (node.kind) {
    case "set":
      return false;
    case "assertion":
      return !/^\\b$/i.test(node.text);
    case "group":
    case "repeat":
      return anchored(node.body);
    case "choice":
      return node.branches.some(anchored);
    case "sequence":
      return node.items.some(anchored);
  }
}

function written(node: WrittenRegex, not: ByteSet): string {
  switch (node.kind) {
    case "set":
      return (node.set & not) === 0n ? node.text : classOf(node.set & ANY_BYTE & ~not);
    case "assertion":
      return node.text;
    case "group":
      return `(?:${written(node.body, not)})`;
    case "choice":
      return `(?:${node.branches.map((branch) => written(branch, not)).join("|")})`;
    case "sequence":
      return node.items.map((item) => written(item, not)).join("");
    case "repeat": {
      const { min, max, body } = node;
      const count = max === Number.POSITIVE_INFINITY ? `{${min},}` : `{${min},${max}}`;
      return `(?:${written(body, not)})${count}`;
    }
  }
}

function classOf(set: ByteSet): string {
  if (set === 0n) return NEVER;
  const code = (byte: number): string => `\\x${byte.toString(16).padStart(2, "0")}`;
  const members = rangesOf(set).map(({ first, last }) =>
    first === last ? code(first) : `${code(first)}-${code(last)}`,
  );
  return `[${members.join("")}]`;
}
