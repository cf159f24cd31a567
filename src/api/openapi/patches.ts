/** Documents of a merge patch (RFC 7396), typed: everything may be left out, null takes away what may be absent. */
import { schemaRef } from "./components.ts";
import type { Components, Schema } from "./schema.ts";

/** `Cluster` -> `ClusterPatch`, with the patches of the objects in it. */
export function patchesOf(names: readonly string[], components: Components): Components {
  const patches: Components = {};
  const add = (name: string): Schema => {
    const patch = `${name}Patch`;
    if (!Object.hasOwn(patches, patch)) {
      // The place is kept before its parts come.
      patches[patch] = {};
      patches[patch] = patchOf(components[name] as Schema, { components, add });
    }
    return schemaRef(patch);
  };
  for (const name of names) add(name);
  return patches;
}

interface Context {
  readonly components: Components;
  /** Makes the patch of a component, and refers to it. */
  readonly add: (name: string) => Schema;
}

function patchOf(schema: Schema, context: Context): Schema {
  const { required = [], properties = {}, additionalProperties = false } = schema;
  const { description = "" } = schema;
  const fields = Object.entries(properties).map(([key, value]) => {
    const inner = patched(value, context);
    return [key, required.includes(key) ? inner : orNull(inner)];
  });
  return {
    type: "object",
    description: `A change: what is left out stays, null takes it away. ${description}`.trim(),
    ...(fields.length === 0 ? {} : { properties: Object.fromEntries(fields) }),
    additionalProperties:
      typeof additionalProperties === "object" ? orNull(additionalProperties) : additionalProperties,
  };
}

/** Objects are merged field by field; lists and values are replaced. */
function patched(schema: Schema, { components, add }: Context): Schema {
  const name = schema.$ref?.split("/").at(-1);
  if (name === undefined || components[name]?.type !== "object") return schema;
  const { description } = schema;
  return { ...add(name), ...(description === undefined ? {} : { description }) };
}

function orNull({ description, ...schema }: Schema): Schema {
  return { anyOf: [schema, { type: "null" }], ...(description === undefined ? {} : { description }) };
}
