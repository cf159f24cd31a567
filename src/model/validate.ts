/** Shape: documents against `schemas/`, every problem at once. */
import type { ErrorObject } from "ajv";
import type { Diagnostic } from "../errors/diagnostic.ts";
import { validators } from "../gen/validators.ts";
import { pointer } from "../util/pointer.ts";
import type { Kind } from "./types.ts";

/** A document with more problems than this is reported up to here: the rest would only repeat them. */
const MAX_PROBLEMS = 1000;

/** Problems of one document of a kind (or of a whole configuration). Pointers are relative to it. */
export function checkShape(schemaId: Kind | "config", document: unknown): Diagnostic[] {
  const validate = validators[schemaId];
  if (validate(document)) return [];
  const errors = (validate.errors ?? []).filter((error) => !isNoise(error)).slice(0, MAX_PROBLEMS);
  return errors.map(toDiagnostic);
}

/** Branches of a oneOf, and the frame around a bad property name, only repeat what another error says better. */
function isNoise(error: ErrorObject): boolean {
  return error.schemaPath.includes("/oneOf/") || error.keyword === "propertyNames";
}

function toDiagnostic(error: ErrorObject): Diagnostic {
  const { code, message, below } = explain(error);
  return {
    code,
    severity: "error",
    message,
    pointer: error.instancePath + (below === undefined ? "" : pointer(below)),
  };
}

interface Told {
  code: string;
  message: string;
  /** The property at fault below the error's place. */
  below?: string;
}

function explain(error: ErrorObject): Told {
  const schema = error.parentSchema as {
    title?: string;
    description?: string;
    properties?: object;
    oneOf?: { required?: string[] }[];
  };
  const params = error.params as Record<string, unknown>;
  const told = (code: string, message: string, below?: unknown): Told =>
    below === undefined ? { code, message } : { code, message, below: String(below) };
  switch (error.keyword) {
    case "additionalProperties": {
      const known = Object.keys(schema.properties ?? {}).join(", ");
      return told(
        "SCHEMA-UNKNOWN-FIELD",
        `unknown field ${JSON.stringify(params.additionalProperty)}; known here: ${known}`,
        params.additionalProperty,
      );
    }
    case "required":
      return told(
        "SCHEMA-MISSING-FIELD",
        `the field ${JSON.stringify(params.missingProperty)} is missing`,
        params.missingProperty,
      );
    case "type":
      return told("SCHEMA-TYPE", `must be ${[params.type].flat().join(" or ")}, but is ${typeName(error.data)}`);
    case "oneOf": {
      const names = (schema.oneOf ?? []).flatMap((branch) => branch.required ?? []).join(", ");
      return told("SCHEMA-EXACTLY-ONE", `exactly one of ${names} must be given`);
    }
    case "pattern":
    case "format":
      return told(
        "SCHEMA-FORMAT",
        `${preview(error)} is not a valid ${(schema.title ?? "value").toLowerCase()}: ${schema.description ?? error.message}`,
      );
    case "enum":
    case "const": {
      const allowed = [params.allowedValues ?? params.allowedValue].flat().join(", ");
      return told("SCHEMA-NOT-ALLOWED", `must be one of ${allowed}`);
    }
    default:
      return told("SCHEMA-LIMIT", error.message ?? `breaks the limit ${error.keyword}`);
  }
}

/** Enough of a value to recognise it; long ones are cut. */
const PREVIEW_CHARACTERS = 60;

function preview(error: ErrorObject): string {
  const text = JSON.stringify(error.propertyName ?? error.data);
  return text.length > PREVIEW_CHARACTERS ? `${text.slice(0, PREVIEW_CHARACTERS)}…` : text;
}

function typeName(value: unknown): string {
  return value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
}
