/** Parts of which the API's own schemas are made. */
import type { Schema } from "./openapi/schema.ts";

/** A string. */
export const text: Schema = { type: "string" };

/** A string, or null. */
export const textOrNull: Schema = { type: ["string", "null"] };

/** A whole number. */
export const integer: Schema = { type: "integer" };

/** One of these words. */
export const choice = (...values: string[]): Schema => ({ type: "string", enum: values });

/** A list of these. */
export const list = (items: Schema): Schema => ({ type: "array", items });

/** This, or null. */
export const orNull = (schema: Schema): Schema => ({ anyOf: [schema, { type: "null" }] });

/** An object with these properties, of which some are always there. */
export const object = (required: readonly string[], properties: Record<string, Schema>): Schema => ({
  type: "object",
  required,
  properties,
});
