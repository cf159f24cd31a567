/** The places of a model: every field of every kind, with what its schema says. */
import { collectionsIn, type NamedSchema, readSchemas, type Schema, schemaOf } from "./schemas.ts";

/** A place where a document of a kind may hold a value. */
export interface Place {
  readonly kind: string;
  /** `route.rules[].timeouts.idle`; `[]` is each element of a list. */
  readonly path: string;
  /** The way there from the document: names of properties, and `*` for each element of a list. */
  readonly steps: readonly string[];
  /** Whether the object that it stands in must have it; not said of elements of lists. */
  readonly required: boolean;
  /** Without references. */
  readonly schema: Schema;
}

/** Every place of every kind, in the order of the schemas: objects and lists before what is in them. */
export function allPlaces(schemas: readonly NamedSchema[] = readSchemas()): Place[] {
  return collectionsIn(schemas).flatMap(({ kind }) =>
    placesBelow({ kind, path: kind, steps: [], required: true, schema: schemaOf(kind, schemas) }),
  );
}

/** Every place that holds a value of its own: no list, and no object with named fields. */
export function allLeaves(schemas: readonly NamedSchema[] = readSchemas()): Place[] {
  return allPlaces(schemas).filter(({ schema }) => schema.properties === undefined && schema.items === undefined);
}

function placesBelow({ kind, path, steps, schema }: Place): Place[] {
  const found = Object.entries(schema.properties ?? {}).map(([name, property]): Place => {
    const required = schema.required?.includes(name) ?? false;
    return { kind, path: `${path}.${name}`, steps: [...steps, name], required, schema: property };
  });
  if (schema.items !== undefined)
    found.push({ kind, path: `${path}[]`, steps: [...steps, "*"], required: false, schema: schema.items });
  return found.flatMap((place) => [place, ...placesBelow(place)]);
}
