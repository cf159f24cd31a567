/** Searching for an expression in a longer text. */

/** An expression that matches the whole of every text in some part of which the given one matches. */
export function searched(text: string): string {
  return `[\\s\\S]*(?:${text})[\\s\\S]*`;
}
