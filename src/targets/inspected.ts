/** Entries of capability tables for what an inspection finds: the field alone does not show it, so the table itself never does. */
import type { Support } from "./target.ts";

/** A refusal. `text` completes a sentence that begins with the field. */
export function refusedInPart(code: string, text: string) {
  return { refused: text, code, when: () => false } as const satisfies Support;
}

/** An approximation, told of as a warning. */
export function approximatedInPart(code: string, text: string) {
  return { approximated: text, code, when: () => false } as const satisfies Support;
}

/** Expressions that PCRE2 would not match in linear time. */
export const backtracking = refusedInPart(
  "L7-REGEX-BACKTRACKING",
  "is refused when PCRE2 could not match it in linear time and it cannot be written so that it can",
);
