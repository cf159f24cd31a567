/** One YAML document as JSON text. Runs in a worker only: it takes half a second a MiB. */
import { CORE_SCHEMA, loadAll, YAMLException } from "js-yaml";
import { MAX_JSON_DEPTH, MAX_YAML_ALIASES, MAX_YAML_JSON_BYTES } from "../limits.ts";

/** Thrown with a sentence for the sender. */
export class YamlError extends Error {}

/** The document; `null` when there is none. Throws a YamlError. */
export function yamlToJson(text: string): string {
  const value = load(text);
  measure(value, { depth: 0, total: { bytes: 0 } });
  // Undefined where JSON has no such value.
  return JSON.stringify(value) ?? "null";
}

function load(text: string): unknown {
  try {
    const documents = loadAll(text, { schema: CORE_SCHEMA, maxDepth: MAX_JSON_DEPTH, maxAliases: MAX_YAML_ALIASES });
    if (documents.length > 1) throw new YamlError("there is more than one document");
    return documents[0] ?? null;
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    const { reason, mark } = error;
    throw new YamlError(mark === undefined ? reason : `${reason} at line ${mark.line + 1}, column ${mark.column + 1}`);
  }
}

/** About what the JSON text will have: an alias stands for all that it names, which may hold aliases, or itself. */
function measure(value: unknown, seen: { readonly depth: number; readonly total: { bytes: number } }): void {
  const { depth, total } = seen;
  total.bytes += typeof value === "string" ? value.length + 2 : 4;
  if (total.bytes > MAX_YAML_JSON_BYTES) throw new YamlError("what its aliases stand for is too large");
  if (value === null || typeof value !== "object") return;
  if (depth === MAX_JSON_DEPTH) throw new YamlError(`it nests deeper than ${MAX_JSON_DEPTH} levels`);
  const below = { depth: depth + 1, total };
  if (Array.isArray(value)) for (const child of value) measure(child, below);
  else
    for (const [key, child] of Object.entries(value)) {
      total.bytes += key.length + 3;
      measure(child, below);
    }
}
