/**
 * The regular expressions that RE2 (Envoy) and PCRE2 (nginx, HAProxy) read alike: literals, classes, `.`, `* + ? {n,m}` (also
 * lazy), alternation, groups `( )` and `(?: )`, `^ $`, `\d \w \s \b` and their opposites, escaped punctuation.
 */
import { NotOfDialectError, parseRegex } from "./parse.ts";
import type { WrittenRegex } from "./tree.ts";

/** RE2 refuses a repeat above 1000, counting nested ones multiplied. */
const MAX_REPEAT = 1000;

/** Why the expression cannot be used, as one sentence, or null. */
export function dialectProblem(text: string): string | null {
  try {
    const repeat = largestRepeat(parseRegex(text));
    return repeat > MAX_REPEAT ? `repeats add up to ${repeat}; RE2 takes at most ${MAX_REPEAT}` : null;
  } catch (error) {
    if (error instanceof NotOfDialectError) return error.message;
    throw error;
  }
}

/** The largest product of nested repeats; unbounded ones count by their lower bound. */
function largestRepeat(node: WrittenRegex): number {
  switch (node.kind) {
    case "set":
    case "assertion":
      return 1;
    case "group":
      return largestRepeat(node.body);
    case "sequence":
      return Math.max(1, ...node.items.map(largestRepeat));
    case "choice":
      return Math.max(1, ...node.branches.map(largestRepeat));
    case "repeat": {
      const times = node.max === Number.POSITIVE_INFINITY ? node.min : node.max;
      return Math.max(1, times) * largestRepeat(node.body);
    }
  }
}
