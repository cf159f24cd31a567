/** What the description of the API knows of JSON Schema, and the two turns of phrase that generators of clients need. */

/** The keywords that are looked at here; others pass through. */
export interface Schema {
  readonly $ref?: string;
  readonly $id?: string;
  readonly title?: string;
  readonly description?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly oneOf?: readonly Schema[];
  readonly [keyword: string]: unknown;
}

/** By name. */
export type Components = Record<string, Schema>;

/**
 * The keyword `default` as words. openapi-typescript takes a field that has it for one that is always there, and clients in
 * Python send it: but answers have what was written, no more, and a document that was read and is written back stays as it was.
 * `own`: what stands at the place itself, if that is less.
 */
export function describedDefault(schema: Schema, own: Schema = schema): { readonly description?: string } {
  const { description, default: value } = schema;
  if (own.default === undefined) return own.description === undefined ? {} : { description: own.description };
  const words = `Default: \`${typeof value === "string" ? value : JSON.stringify(value)}\`.`;
  return { description: description === undefined ? words : `${description} ${words}` };
}

/**
 * Exactly one of these fields. As `oneOf` over `required` it would be a union of nothings in TypeScript, and no model at all in
 * Python; generators pass over `not`, and who judges documents reads it.
 */
export function exactlyOne(fields: readonly string[]): Schema {
  const pairs = fields.flatMap((one, index) => fields.slice(index + 1).map((other) => [one, other]));
  const none = { not: { anyOf: fields.map((field) => having([field])) } };
  return { not: { anyOf: [none, ...pairs.map(having)] } };
}

function having(fields: readonly string[]): Schema {
  return { required: fields, properties: Object.fromEntries(fields.map((field) => [field, {}])) };
}
