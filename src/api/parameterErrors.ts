/** What is wrong with a path or a parameter: its name, what was given, what is allowed. */
import type { ErrorObject } from "ajv";
import { collections } from "../model/index.ts";
import { didYouMean } from "../util/didYouMean.ts";

/** In the words of messages. */
const PARTS: Readonly<Record<string, string>> = { querystring: "query", params: "path" };
/** Enough of a value to recognise it. */
const MAX_SHOWN = 60;
/** A query of unknown parameters may have very many. */
const MAX_TOLD = 10;

/** What stands behind `/v1/`. */
const PATHS: readonly string[] = [...collections, "config", "explain", "revisions"];

/** Of a path that is none of the API's. */
export function noSuchPath(url: string): string {
  const [path = ""] = url.split("?");
  const [, version, name = ""] = path.split("/");
  const hint = version === "v1" && !PATHS.includes(name) ? didYouMean(name, PATHS) : "";
  return `there is no ${path}${hint}`;
}

/** For fastify's `setSchemaErrorFormatter`: `query parameter "limit" must be <= 1000, but is "5000"`. */
export function parameterError(errors: readonly unknown[], dataVar: string): Error {
  const part = PARTS[dataVar] ?? dataVar;
  const texts = (errors as readonly ErrorObject[]).map((error) => textOf(error, part));
  const more = texts.length > MAX_TOLD ? [`and ${texts.length - MAX_TOLD} more`] : [];
  return new Error([...texts.slice(0, MAX_TOLD), ...more].join("; "));
}

function textOf(
  { keyword, instancePath, params, parentSchema, data, message = "is not valid" }: ErrorObject,
  part: string,
): string {
  if (keyword === "additionalProperties") {
    const known = Object.keys((parentSchema?.properties ?? {}) as object);
    const name = String(params.additionalProperty);
    const allowed = known.length === 0 ? "this path takes none" : `known here: ${known.join(", ")}`;
    return `unknown ${part} parameter ${shown(name)}${didYouMean(name, known)}; ${allowed}`;
  }
  const [, name = ""] = instancePath.split("/");
  const title = `${part} parameter ${shown(name)}`;
  if (keyword !== "enum") return `${title} ${message}, but is ${shown(data)}`;
  const values = (params.allowedValues as readonly unknown[]).map(String).filter((value) => value !== "");
  return `${title} must be one of ${values.join(", ")}, but is ${shown(data)}${didYouMean(String(data), values)}`;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}
