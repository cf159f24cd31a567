/** The only way from user text to the places in Envoy's API where characters have a meaning of their own. */

/** Header values in `*_headers_to_add` are substitution format strings: `%` starts a command, `%%` is a literal one. */
export function formatLiteral(text: string): string {
  return text.includes("%") ? text.replaceAll("%", "%%") : text;
}

/** `substitution` of a regex rewrite: `\1` is a capture, `\\` a literal backslash. */
export function substitutionLiteral(text: string): string {
  return text.replaceAll("\\", "\\\\");
}

/** A literal inside an RE2 expression. */
export function regexLiteral(text: string): string {
  return text.replaceAll(/[\\.+*?()|[\]{}^$]/g, "\\$&");
}
