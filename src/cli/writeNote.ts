/** What is kept with a revision. */

/** The header for a text of the revision. The server refuses control characters too, but says it in words of HTTP. */
export function note(name: "message" | "author", text: string | undefined): Record<string, string> {
  if (text === undefined) return {};
  if (/\p{Cc}/u.test(text.trim())) throw new Error(`--${name} must be one line of text`);
  return { [`trimtab-${name}`]: text.trim() };
}
