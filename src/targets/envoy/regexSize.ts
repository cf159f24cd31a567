/** An estimate of what RE2 makes of an expression. Counted repeats are written out: a short text can be a large program. */
import { parseRegex, rangesOf, type WrittenRegex } from "../../regex/index.ts";
import { foundByInspection, type Support } from "../target.ts";

/** What every program has around the expression: a failure, the match, the marks of the whole. */
const FRAME_INSTRUCTIONS = 6;
/** The two marks of a capture. */
const GROUP_INSTRUCTIONS = 2;
/** An endless repeat of what may be empty is compiled as an optional repeat of at least one. */
const ENDLESS_INSTRUCTIONS = 4;

/** Instructions of the program for `text`, which is an expression of the common dialect: at least what Envoy counts. */
export function regexInstructions(text: string): number {
  return FRAME_INSTRUCTIONS + sizeOf(parseRegex(text));
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
      return copies * sizeOf(node.body) + (isEndless ? ENDLESS_INSTRUCTIONS : node.max - node.min);
    }
  }
}

/** Envoy compiles for bytes: one instruction per range, and one more where bytes that we do not look at divide a range. */
function setSize(set: bigint): number {
  const isByte = (set & (set - 1n)) === 0n;
  return isByte ? 1 : rangesOf(set).length + 1;
}

/** As the capability table says it of each leaf that is a regular expression. */
export const tooLarge = {
  refused: "is too large for RE2 when its counted repeats make too many instructions",
  code: "L7-REGEX-SIZE",
  when: foundByInspection,
} as const satisfies Support;
