/** Random values of a schema: whatever it allows, as far as a schema can say it. What it cannot say stands in hints.ts. */
import fc from "fast-check";
import type { Schema } from "../../tooling/schemas.ts";
import { type Hint, hintOf } from "./hints.ts";
import { namesIn } from "./names.ts";

/** A place of a model (`route.rules[].timeouts`), and the schema of what stands there, without references. */
export interface Site {
  readonly path: string;
  readonly schema: Schema;
}

/** Of a list, unless a hint says otherwise. */
const FEW = 3;
/** How often in a hundred an optional property is there, unless a hint says otherwise. */
const USUAL_PRESENCE = 75;

/** Values that may stand at a place. Absent properties are undefined. */
export function arbitraryOf(site: Site): fc.Arbitrary<unknown> {
  const { path, schema } = site;
  const given = hintOf(site).value;
  if (given !== undefined) return given;
  if (schema["x-ref"] !== undefined) return fc.constantFrom(...namesIn(schema["x-ref"]));
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  const types = [schema.type ?? []].flat();
  if (types.length === 0) throw new Error(`${path}: its schema has no type, and no hint says what stands there`);
  return fc.oneof(...types.map((type) => ofType(type, site)));
}

function ofType(type: string, site: Site): fc.Arbitrary<unknown> {
  switch (type) {
    case "object":
      return objectOf(site);
    case "array":
      return listOf(site);
    case "string":
      return textOf(site);
    case "integer":
    case "number":
      return numberOf(site, type === "integer" ? 1 : (site.schema.multipleOf ?? 1));
    case "boolean":
      return fc.boolean();
    default:
      throw new Error(`${site.path}: no values for the type ${type}; give a hint`);
  }
}

function objectOf({ path, schema }: Site): fc.Arbitrary<object> {
  const { properties, required = [], oneOf, additionalProperties, propertyNames } = schema;
  if (properties === undefined) {
    if (typeof additionalProperties !== "object") throw new Error(`${path}: an object of nothing; give a hint`);
    const keys = textOf({ path: `${path} (key)`, schema: propertyNames ?? {} });
    return fc.dictionary(keys, arbitraryOf({ path: `${path}.*`, schema: additionalProperties }), { maxKeys: FEW });
  }
  if (oneOf === undefined) return recordOf({ path, schema }, required, []);
  const names = oneOf.flatMap((branch) => branch.required);
  return fc.oneof(
    ...oneOf.map((branch) => {
      const others = names.filter((name) => !branch.required.includes(name));
      const weights = branch.required.map((name) => hintAt({ path, schema }, name).weight ?? 1);
      return {
        weight: Math.max(1, ...weights),
        arbitrary: recordOf({ path, schema }, [...required, ...branch.required], others),
      };
    }),
  );
}

function recordOf(site: Site, required: readonly string[], without: readonly string[]): fc.Arbitrary<object> {
  const names = Object.keys(site.schema.properties ?? {}).filter((name) => !without.includes(name));
  const { minProperties = 0 } = site.schema;
  return fc
    .record(
      Object.fromEntries(
        names.map((name) => {
          const value = arbitraryOf(below(site, name));
          if (required.includes(name)) return [name, value];
          return [name, sometimes(value, hintAt(site, name).presence ?? USUAL_PRESENCE)];
        }),
      ),
    )
    .filter((record) => Object.values(record).filter((value) => value !== undefined).length >= minProperties);
}

/** The value, so often in a hundred; otherwise undefined. */
export function sometimes<T>(value: fc.Arbitrary<T>, presence: number): fc.Arbitrary<T | undefined> {
  return fc.oneof(
    { withCrossShrink: true },
    { weight: 100 - presence, arbitrary: fc.constant(undefined) },
    { weight: presence, arbitrary: value },
  );
}

function hintAt(site: Site, name: string): Partial<Hint> {
  return hintOf(below(site, name));
}

function below({ path, schema }: Site, name: string): Site {
  return { path: `${path}.${name}`, schema: schema.properties?.[name] ?? {} };
}

function listOf(site: Site): fc.Arbitrary<unknown[]> {
  const { path, schema } = site;
  const { items = {}, minItems = 0, maxItems = FEW, uniqueItems = false } = schema;
  const maxLength = Math.min(maxItems, Math.max(minItems, hintOf(site).most ?? FEW));
  const item = arbitraryOf({ path: `${path}[]`, schema: items });
  if (uniqueItems) return fc.uniqueArray(item, { minLength: minItems, maxLength, selector: JSON.stringify });
  return fc.array(item, { minLength: minItems, maxLength });
}

function textOf({ path, schema }: Site): fc.Arbitrary<string> {
  const { pattern, format, minLength = 0, maxLength = Number.POSITIVE_INFINITY } = schema;
  // Nothing that a format promises could be drawn from a pattern.
  if (format !== undefined || pattern === undefined)
    throw new Error(`${path}: no values for text of the format ${format ?? "(none)"}; give a hint`);
  return fc
    .stringMatching(new RegExp(pattern, "u"), { size: "small" })
    .filter(({ length }) => length >= minLength && length <= maxLength);
}

/** Its limits and its default are as likely as all the rest. */
function numberOf({ path, schema }: Site, step: number): fc.Arbitrary<number> {
  const { minimum, maximum, default: usual } = schema;
  if (minimum === undefined || maximum === undefined) throw new Error(`${path}: a number without limits; give a hint`);
  const edges = [minimum, maximum, ...(typeof usual === "number" ? [usual] : [])];
  const count = Math.round((maximum - minimum) / step);
  const inner = fc.nat(count).map((steps) => Number((minimum + steps * step).toFixed(9)));
  return fc.oneof(fc.constantFrom(...edges), inner);
}
