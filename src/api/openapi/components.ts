/**
 * The model's schemas as components of OpenAPI, in a form that generators of clients understand: every object has a name,
 * "exactly one of" is no union of nothings, and what has a default may be left out.
 */
import { schemas } from "../../gen/schemas.ts";
import { type Components, describedDefault, exactlyOne, type Schema } from "./schema.ts";

const COMPONENTS = "#/components/schemas/";

/** `cluster` -> `Cluster`: of a kind, a part of one, a shared value, or an answer of the API. */
export function schemaRef(name: string): { readonly $ref: string } {
  return { $ref: COMPONENTS + name.slice(0, 1).toUpperCase() + name.slice(1) };
}

/** A schema file; definitions of several files must not share a name. */
interface SchemaFile extends Schema {
  readonly $defs?: Readonly<Record<string, Schema>>;
}

/** Kinds, their parts and shared values, by name: `Cluster`, `RouteMatch`, `Duration`, and for what has only a title `CanaryStep`. */
export function modelComponents(): Components {
  const files = Object.entries(schemas as Record<string, SchemaFile>);
  const sources = new Map(
    files.flatMap(([id, { $defs = {}, ...file }]) => [
      [componentName(id), file] as const,
      ...Object.entries($defs).map(([name, definition]) => [componentName(name), definition] as const),
    ]),
  );
  const all: Components = {};
  const add = (name: string, schema: Schema): void => {
    if (Object.hasOwn(all, name)) throw new Error(`openapi: two schemas are named ${name}`);
    all[name] = schema;
  };
  for (const [name, source] of sources) {
    if (source.type === undefined && source.enum === undefined) continue;
    // The place is kept before its parts come.
    add(name, {});
    all[name] = converted(source, { name, sources, add });
  }
  return all;
}

/** The API's own schema of a body, with its defaults in words. */
export function withoutDefaults({ properties = {}, ...schema }: Schema): Schema {
  const fields = Object.entries(properties).map(([key, { default: _, ...field }]) => [
    key,
    { ...field, ...describedDefault(properties[key] as Schema) },
  ]);
  return { ...schema, properties: Object.fromEntries(fields) };
}

interface Conversion {
  /** Of the nearest component or field. */
  readonly name: string;
  readonly sources: ReadonlyMap<string, Schema>;
  readonly add: (name: string, schema: Schema) => void;
}

/** Keywords that a component does not need: its name says what it is. */
const DROPPED = new Set(["$id", "$schema", "title", "default", "oneOf"]);

function converted(source: Schema, context: Conversion): Schema {
  if (source.$ref !== undefined) return reference(source, context);
  const { name } = context;
  const out: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(source)) if (!DROPPED.has(key)) out[key] = value;
  if (isMixed(source)) {
    const words = (source.enum ?? []).filter((value) => typeof value === "string");
    const { enum: _, ...rest } = out;
    return { ...rest, anyOf: [{ type: "boolean" }, { type: "string", enum: words }], ...describedDefault(source) };
  }
  // What it is first: readers of the document see it there.
  if (source.enum !== undefined && source.type === undefined)
    out.type = typeof source.enum[0] === "number" ? "integer" : "string";
  if (source.properties !== undefined)
    out.properties = Object.fromEntries(
      Object.entries(source.properties).map(([key, value]) => [key, part(value, context, name + upper(key))]),
    );
  if (source.items !== undefined) out.items = part(source.items, context, `${name}Item`);
  return {
    ...out,
    ...(source.oneOf === undefined ? {} : exactlyOne(source.oneOf.flatMap(({ required = [] }) => required))),
    ...describedDefault(source),
  };
}

/** `true | false | word`: generators of clients know no such choice, but one of a boolean and a word. */
function isMixed({ enum: values = [] }: Schema): boolean {
  return values.includes(true) && values.some((value) => typeof value === "string");
}

/** Objects with fields, and choices, become components of their own. */
function part(source: Schema, context: Conversion, place: string): Schema {
  if (source.properties === undefined && (source.enum === undefined || isMixed(source)))
    return converted(source, { ...context, name: place });
  const name = source.title === undefined ? place : pascal(source.title);
  context.add(name, converted(source, { ...context, name }));
  // The default is told where it counts.
  return { ...schemaRef(name), ...describedDefault(source) };
}

/** What stands beside a reference stays. A file that only refers gives its text, and what it refers to. */
function reference(source: Schema, context: Conversion): Schema {
  const { $ref, ...beside } = source;
  const name = componentName($ref as string);
  const target = context.sources.get(name);
  if (target === undefined) throw new Error(`openapi: there is no ${$ref}`);
  if (target.$ref !== undefined) return reference({ ...target, ...beside, $ref: target.$ref }, context);
  const { default: _, $id: _id, $schema: _schema, ...kept } = beside;
  return { ...schemaRef(name), ...kept, ...describedDefault({ ...target, ...beside }, beside) };
}

/** `trimtab:values#/$defs/name` -> `Name`, `trimtab:route` -> `Route`, `trimtab:route/match` -> `RouteMatch`. */
function componentName(reference: string): string {
  const path = reference.replace(/^.*#\/\$defs\//, "").replace(/^trimtab:/, "");
  return path.split("/").map(upper).join("");
}

function upper(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

/** `Canary step` -> `CanaryStep`. */
function pascal(title: string): string {
  return title
    .split(/[^A-Za-z0-9]+/)
    .map(upper)
    .join("");
}
