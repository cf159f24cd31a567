/** An estimate of what RE2 makes of an expression. Counted repeats are written out, so a short text can be a large program. */
import { parseRegex, rangesOf, type WrittenRegex } from "../../regex/index.ts";

/** The two marks of a capture. */
const GROUP_INSTRUCTIONS = 2;

/** Instructions of the program for `text`, which is a valid expression of the common dialect. Not below what Envoy counts. */
export function regexInstructions(text: string): number {
  return sizeOf(parseRegex(text));
}

function sizeOf(node: WrittenRegex): number {
  switch (node.kind) {
    case "set":
      return setSize(node.set);
    case "assertion":
      return 1;
    case "group":
      return GROUP_INSTRUCTIONS + sizeOf(node.body);
    case "sequence":
      return node.items.reduce((sum, item) => sum + sizeOf(item), 0);
    case "choice":
      return node.branches.reduce((sum, branch) => sum + 1 + sizeOf(branch), 0);
    case "repeat": {
      const isEndless = node.max === Number.POSITIVE_INFINITY;
      const copies = Math.max(1, isEndless ? node.min : node.max);
      // A copy that may be left out has a branch.
      return copies * sizeOf(node.body) + (isEndless ? 1 : node.max - node.min);
    }
  }
}

/** Envoy compiles for bytes: one instruction per range, and one more where bytes that we do not look at divide a range. */
function setSize(set: bigint): number {
  const isByte = (set & (set - 1n)) === 0n;
  return isByte ? 1 : rangesOf(set).length + 1;
}
