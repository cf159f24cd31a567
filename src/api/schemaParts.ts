/** Parts of which the API's own schemas are made. */

/** A string. */
export const text = { type: "string" };

/** A string, or null. */
export const textOrNull = { type: ["string", "null"] };

/** A whole number. */
export const integer = { type: "integer" };

/** A list of these. */
export const list = (items: object): object => ({ type: "array", items });

/** An object with these properties, of which some are always there. */
export const object = (required: readonly string[], properties: Record<string, object>): object => ({
  type: "object",
  required,
  properties,
});
