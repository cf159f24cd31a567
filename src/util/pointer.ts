/** RFC 6901 JSON pointers. */

/** `["rules", 0, "a/b"]` -> `/rules/0/a~1b`. */
export function pointer(...tokens: readonly (string | number)[]): string {
  return tokens.map((token) => `/${String(token).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

/** The tokens of a pointer; `""` gives none. */
export function pointerTokens(text: string): string[] {
  return text
    .split("/")
    .slice(1)
    .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}
