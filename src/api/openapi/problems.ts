/** The answers of requests that fail, by status: which codes they carry, and one of each as an example. */
import { apiCodes, combineCodes, type ErrorCode, storeCodes } from "../../errors/codes.ts";
import { PROBLEM_TYPE } from "../problem.ts";
import { schemaRef } from "./components.ts";
import type { Schema } from "./schema.ts";

const registry = combineCodes(apiCodes, storeCodes);

/** The name of each status's answer. Statuses of broken HTTP (405, 408, 431) may meet any request: they are the `default`. */
const NAMES: Readonly<Record<number, string>> = {
  400: "BadRequest",
  401: "Unauthorized",
  403: "Forbidden",
  404: "NotFound",
  406: "NotAcceptable",
  409: "Conflict",
  412: "PreconditionFailed",
  413: "TooLarge",
  415: "UnsupportedMediaType",
  422: "Invalid",
  500: "InternalError",
  503: "Unavailable",
  507: "DiskFull",
};

/** Headers that tell what to do. */
const HEADERS: Readonly<Record<number, Readonly<Record<string, object>>>> = {
  401: { "WWW-Authenticate": { schema: { type: "string" }, description: "`Bearer`." } },
  503: { "Retry-After": { schema: { type: "integer" }, description: "Seconds after which to come again." } },
};

/** The codes of a problem document; those of its `errors` are more, and in docs/reference/errors.md. */
export const problemCode: Schema = {
  type: "string",
  enum: Object.keys(registry),
  description: "What went wrong. Stable: clients may branch on it.",
};

/** `components.responses`, without those of `never`. */
export function problemResponses(never: number | undefined): Record<string, object> {
  const statuses = Object.entries(NAMES).filter(([status]) => Number(status) !== never);
  const named = statuses.map(([status, name]) => [name, response(Number(status))]);
  return { ...Object.fromEntries(named), Problem: described("Any other problem.", {}) };
}

/** `{ 404: a reference to NotFound }`, and what any request may be answered as `default`. */
export function problems(...statuses: readonly number[]): Record<string, object> {
  const refs = statuses.map((status) => [status, responseRef(NAMES[status] as string)]);
  return { ...Object.fromEntries(refs), default: responseRef("Problem") };
}

function responseRef(name: string): object {
  return { $ref: `#/components/responses/${name}` };
}

function response(status: number): object {
  const codes = Object.entries(registry).filter(([, entry]) => entry.status === status);
  const examples = Object.fromEntries(codes.map(([code, entry]) => [code, { value: exampleOf(code, entry) }]));
  const lines = codes.map(([code, { title }]) => `\`${code}\`: ${title.toLowerCase()}`);
  return described(`${lines.join("; ")}.`, { examples }, HEADERS[status]);
}

function described(description: string, more: object, headers?: object): object {
  return {
    description,
    ...(headers === undefined ? {} : { headers }),
    content: { [PROBLEM_TYPE]: { schema: schemaRef("Problem"), ...more } },
  };
}

function exampleOf(code: string, { status, title, explanation }: ErrorCode): object {
  return { type: `urn:trimtab:error:${code}`, title, status, code, detail: explanation };
}
