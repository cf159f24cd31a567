/** Lines of the log that nobody's text can forge: bounded fields, as JSON or as text for people. */

/** Characters of one text: Envoy's refusals quote whole resources, and a stack has a dozen lines. */
const MAX_CHARACTERS = 2_000;
/** Entries of one list or object, and how deep they stand in each other. */
const MAX_ENTRIES = 100;
const MAX_DEPTH = 4;

/** The same, with what is too long cut. */
export function bounded(value: unknown, depth = 0): unknown {
  if (typeof value === "string") {
    const over = value.length - MAX_CHARACTERS;
    return over > 0 ? `${value.slice(0, MAX_CHARACTERS)}... (${over} more characters)` : value;
  }
  if (value instanceof Error) return errorFields(value);
  if (value === null || typeof value !== "object") return value;
  if (depth >= MAX_DEPTH) return "...";
  if (Array.isArray(value)) return value.slice(0, MAX_ENTRIES).map((entry) => bounded(entry, depth + 1));
  const entries = Object.entries(value).slice(0, MAX_ENTRIES);
  return Object.fromEntries(entries.map(([key, entry]) => [key, bounded(entry, depth + 1)]));
}

/** What an error says and where; never what else hangs on it, which may be a request. */
export function errorFields(error: Error & { readonly code?: unknown }): Record<string, unknown> {
  const { name, message, code, stack = "" } = error;
  const known = typeof code === "string" ? { code } : {};
  return { name, ...known, message: bounded(message), stack: bounded(stack) };
}

/** Control and format characters: line ends, terminal sequences, what turns the direction of text, what cannot be seen. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** JSON text without unseen characters. They stand inside its strings only, as what JSON leaves as it is: there they can be escaped. */
export function escaped(json: string): string {
  return json.replace(UNSEEN, (character) =>
    Array.from({ length: character.length }, (_, index) => {
      const unit = character.charCodeAt(index).toString(16).padStart(4, "0");
      return `\\u${unit}`;
    }).join(""),
  );
}

/** Written as they are; everything else is quoted as JSON. */
const PLAIN = /^[\w.,:/@+-]+$/;

/** A line of JSON as a line for people: time, level, event, then `key=value`. */
export function textLine(json: string): string {
  const { time, level, event, ...fields } = JSON.parse(json) as Record<string, unknown>;
  const parts = Object.entries(fields).map(([key, value]) => `${plain(key)}=${plain(value)}`);
  return [String(time), String(level).toUpperCase().padEnd(5), plain(event), ...parts].join(" ");
}

function plain(value: unknown): string {
  if (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((entry) => typeof entry === "string" && PLAIN.test(entry))
  )
    return value.join(",");
  return typeof value === "string" && PLAIN.test(value) ? value : escaped(JSON.stringify(value) ?? "null");
}
