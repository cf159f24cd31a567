/** One YAML document, parsed at once: short ones by yaml.ts itself, others by its worker. */
import { parseDocument } from "yaml";
import { MAX_YAML_ALIASES } from "./limits.ts";

/** A parsed document, or why it is none. */
export type Parsed = { readonly json: string } | { readonly error: string };

/** The text as JSON (so that it crosses threads cheaply). Aliases are bounded, duplicate keys and several documents refused. */
export function parseText(text: string): Parsed {
  const document = parseDocument(text, { prettyErrors: true, uniqueKeys: true });
  const [error] = document.errors;
  if (error !== undefined) return { error: error.message };
  try {
    return { json: JSON.stringify(document.toJS({ maxAliasCount: MAX_YAML_ALIASES }) ?? null) };
  } catch (thrown) {
    return { error: (thrown as Error).message };
  }
}
