/** A walk over the string leaves of documents, and the string fields that the schemas know. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { repositoryRoot } from "../harness/program.ts";

/** A string in a document. */
export interface Leaf {
  /** RFC 6901, as `/routes/0/name`. */
  readonly pointer: string;
  /** The pointer with list places and label names written `*`. */
  readonly field: string;
}

/** Every string in a document. */
export function stringLeaves(value: unknown, at = "", field = ""): Leaf[] {
  if (typeof value === "string") return [{ pointer: at, field }];
  if (Array.isArray(value)) return value.flatMap((entry, index) => stringLeaves(entry, `${at}/${index}`, `${field}/*`));
  if (value === null || typeof value !== "object") return [];
  return Object.entries(value).flatMap(([key, entry]) =>
    stringLeaves(entry, `${at}/${key}`, `${field}/${field.endsWith("/labels") ? "*" : key}`),
  );
}

/** The document with the string at `pointer` replaced. */
export function replaced<T>(document: T, pointer: string, change: (old: string) => string): T {
  const copy = structuredClone(document);
  const steps = pointer.slice(1).split("/");
  const last = steps.pop()!;
  // biome-ignore lint/suspicious/noExplicitAny: any place of any document
  const holder = steps.reduce((value: any, step) => value[step], copy);
  holder[last] = change(holder[last]);
  return copy;
}

interface Schema {
  readonly $ref?: string;
  readonly $id?: string;
  readonly $defs?: Record<string, Schema>;
  readonly type?: string | string[];
  readonly enum?: readonly unknown[];
  readonly properties?: Record<string, Schema>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
}

/** Every string field that the schemas know, written as `Leaf.field`. */
export function stringFields(): string[] {
  const folder = join(repositoryRoot, "schemas");
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) =>
    file.endsWith(".schema.json"),
  );
  const known = new Map(
    files.map((file) => {
      const schema = JSON.parse(readFileSync(join(folder, file), "utf8")) as Schema;
      return [schema.$id!, schema] as const;
    }),
  );
  const walk = (schema: Schema, id: string, field: string): string[] => {
    if (schema.$ref !== undefined) {
      const [target = "", fragment] = schema.$ref.split("#");
      const document = known.get(target === "" ? id : target)!;
      const name = fragment?.split("/").at(-1);
      return walk(name === undefined ? document : document.$defs![name]!, document.$id!, field);
    }
    const found = Object.entries(schema.properties ?? {}).flatMap(([key, entry]) => walk(entry, id, `${field}/${key}`));
    if (schema.items !== undefined) found.push(...walk(schema.items, id, `${field}/*`));
    if (typeof schema.additionalProperties === "object")
      found.push(...walk(schema.additionalProperties, id, `${field}/*`));
    const isString =
      [schema.type ?? []].flat().includes("string") || (schema.enum ?? []).some((value) => typeof value === "string");
    return isString ? [...found, field] : found;
  };
  return [...new Set(walk(known.get("trimtab:config")!, "trimtab:config", ""))].sort();
}
