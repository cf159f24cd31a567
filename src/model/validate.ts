/** Shape: documents against `schemas/`, every problem at once. */
import type { ErrorObject } from "ajv";
import type { Diagnostic } from "../errors/diagnostic.ts";
import { type Validator, validators } from "../gen/validators.ts";
import { didYouMean } from "../util/didYouMean.ts";
import { pointer } from "../util/pointer.ts";
import type { Steps } from "../util/steps.ts";
import { collections, kindOf } from "./kinds.ts";
import type { Kind } from "./types.ts";

/** A document with more problems than this is reported up to here: the rest would only repeat them. */
export const MAX_PROBLEMS = 1000;

/** Problems of one document of a kind. Pointers are relative to it. */
export function checkShape(kind: Kind, document: unknown): Diagnostic[] {
  return problemsOf(validators[kind], document);
}

/**
 * Problems of a whole configuration, as its schema in one piece would tell them: of the document, then list by list. Lists
 * are looked at item by item, up to MAX_PROBLEMS.
 */
export function* checkConfigShape(document: unknown): Steps<Diagnostic[]> {
  const frame = problemsOf(validators.frame, document);
  const below = (list: string) => frame.filter((problem) => problem.pointer === pointer(list));
  const found = frame.filter((problem) => !collections.some((list) => problem.pointer === pointer(list)));
  for (const list of collections) {
    found.push(...below(list));
    const items: unknown = (document as Record<string, unknown> | null)?.[list];
    if (!Array.isArray(items)) continue;
    const kind = kindOf(list) as Kind;
    for (const [index, item] of items.entries()) {
      if (found.length >= MAX_PROBLEMS) break;
      for (const problem of checkShape(kind, item))
        found.push({ ...problem, pointer: pointer(list, index) + problem.pointer });
      yield;
    }
  }
  return found.slice(0, MAX_PROBLEMS);
}

function problemsOf(validate: Validator, document: unknown): Diagnostic[] {
  if (validate(document)) return [];
  return (validate.errors ?? [])
    .filter((error) => !isNoise(error))
    .slice(0, MAX_PROBLEMS)
    .map(toDiagnostic);
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

interface ShapeProblem {
  code: string;
  message: string;
  /** The property at fault below the error's place. */
  below?: string;
}

function readElsewhere(field: string, inlined: string): string {
  return `${JSON.stringify(field)} names a file, which only the command line reads (validate, render, apply and their like); send \`${inlined}\``;
}

function explain(error: ErrorObject): ShapeProblem {
  const schema = error.parentSchema as {
    title?: string;
    description?: string;
    properties?: object;
    oneOf?: { required?: string[] }[];
    "x-file"?: Readonly<Record<string, string>>;
  };
  const params = error.params as Record<string, unknown>;
  const problem = (code: string, message: string, below?: unknown): ShapeProblem =>
    below === undefined ? { code, message } : { code, message, below: String(below) };
  switch (error.keyword) {
    case "additionalProperties": {
      const known = Object.keys(schema.properties ?? {});
      const field = String(params.additionalProperty);
      const inlined = schema["x-file"]?.[field];
      if (inlined !== undefined) return problem("SCHEMA-UNKNOWN-FIELD", readElsewhere(field, inlined), field);
      return problem(
        "SCHEMA-UNKNOWN-FIELD",
        `unknown field ${JSON.stringify(field)}${didYouMean(field, known)}; known here: ${known.join(", ")}`,
        field,
      );
    }
    case "required":
      return problem(
        "SCHEMA-MISSING-FIELD",
        `the field ${JSON.stringify(params.missingProperty)} is missing`,
        params.missingProperty,
      );
    case "type":
      return problem("SCHEMA-TYPE", `must be ${[params.type].flat().join(" or ")}, but is ${typeName(error.data)}`);
    case "oneOf": {
      const names = (schema.oneOf ?? []).flatMap((branch) => branch.required ?? []).join(", ");
      return problem("SCHEMA-EXACTLY-ONE", `exactly one of ${names} must be given`);
    }
    case "pattern":
    case "format":
      return problem(
        "SCHEMA-FORMAT",
        `${preview(error)} is not a valid ${(schema.title ?? "value").toLowerCase()}: ${schema.description ?? error.message}`,
      );
    case "enum":
    case "const": {
      const allowed = [params.allowedValues ?? params.allowedValue].flat().map(String);
      const hint = typeof error.data === "string" ? didYouMean(error.data, allowed) : "";
      return problem("SCHEMA-NOT-ALLOWED", `must be one of ${allowed.join(", ")}${hint}`);
    }
    default:
      return problem("SCHEMA-LIMIT", error.message ?? `breaks the limit ${error.keyword}`);
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
