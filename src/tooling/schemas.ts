/** `schemas/` as data: as the files stand there, and with every reference replaced by what it names. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const FOLDER = fileURLToPath(new URL("../../schemas", import.meta.url));
const ENDING = ".schema.json";
/** What the ids of our schemas begin with. */
const SCHEME = "trimtab:";

/** A schema file: `id` is its path below `schemas/` without the ending, as `route/match`. */
export interface NamedSchema {
  readonly id: string;
  readonly schema: Schema;
}

/** The keywords of JSON Schema (2020-12) that `schemas/` uses, and ours, which begin with `x-`. */
export interface Schema {
  readonly $id?: string;
  /** `trimtab:route/match`, `trimtab:values#/$defs/name`, `#/$defs/name`. Nowhere in a resolved schema. */
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Schema>>;
  readonly title?: string;
  readonly description?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly format?: string;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly multipleOf?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minProperties?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly uniqueItems?: boolean;
  readonly items?: Schema;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly propertyNames?: Schema;
  readonly maxProperties?: number;
  readonly oneOf?: readonly { readonly required: readonly string[] }[];
  /** The collection in which the value is a name. */
  readonly "x-ref"?: string;
  /** The value is sealed when it is read: the type of the secret (src/secrets). */
  readonly "x-secret"?: string;
  /** For the text the command line takes the name of a file (`file:PATH`). */
  readonly "x-file-text"?: boolean;
  /** Only in a resolved schema: which of the shared values it is, as `duration`. */
  readonly "x-value"?: string;
}

/** Reads all of `schemas/`, in the order of their ids. */
export function readSchemas(): NamedSchema[] {
  return readdirSync(FOLDER, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(ENDING))
    .map((file) => ({
      id: file.slice(0, -ENDING.length).replaceAll("\\", "/"),
      schema: JSON.parse(readFileSync(join(FOLDER, file), "utf8")) as Schema,
    }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** The schema of a kind, or any other by its id, without references. */
export function schemaOf(id: string, schemas: readonly NamedSchema[] = readSchemas()): Schema {
  const found = schemas.find((entry) => entry.id === id);
  if (found === undefined) throw new Error(`schemas: there is no ${id}`);
  return resolved(found.schema, found, schemas);
}

/** Whose collections a configuration lists, in document order, each with its kind and how many a model may hold. */
export function collectionsIn(
  schemas: readonly NamedSchema[],
): { readonly kind: string; readonly collection: string; readonly max: number }[] {
  const config = schemas.find((entry) => entry.id === "config")?.schema;
  return Object.entries(config?.properties ?? {}).map(([collection, { items, maxItems }]) => {
    if (items?.$ref === undefined || maxItems === undefined)
      throw new Error(`schemas: config.${collection} is not a list of a kind with a maximum`);
    return { collection, kind: items.$ref.replace(SCHEME, ""), max: maxItems };
  });
}

/** What may stand beside a reference: it says more of the same values, and allows no others. */
const BESIDE = new Set(["$id", "$schema", "description", "default", "x-ref"]);

/** Puts in what `node`, a part of `file`, refers to. Keywords beside a reference win over those behind it. */
function resolved(node: Schema, file: NamedSchema, schemas: readonly NamedSchema[]): Schema {
  const { $ref, ...rest } = node;
  const below = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(below);
    return value !== null && typeof value === "object" ? resolved(value, file, schemas) : value;
  };
  const own = Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, below(value)]));
  if ($ref === undefined) return own;
  const odd = Object.keys(own).find((key) => !BESIDE.has(key));
  if (odd !== undefined) throw new Error(`schemas: ${odd} stands beside ${$ref} in ${file.id}`);
  const [address = "", name] = $ref.split("#/$defs/");
  const target = address === "" ? file : schemas.find((entry) => SCHEME + entry.id === address);
  const found = name === undefined ? target?.schema : target?.schema.$defs?.[name];
  if (target === undefined || found === undefined) throw new Error(`schemas: ${$ref} in ${file.id} does not resolve`);
  const value = target.id === "values" && name !== undefined ? { "x-value": name } : {};
  return { ...resolved(found, target, schemas), ...value, ...own };
}
