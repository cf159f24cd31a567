/** Parameters (query, path, headers): their schemas (checked by fastify, shown in OpenAPI), and the schema compiler. */
import { Ajv2020 } from "ajv/dist/2020.js";
import type { FastifySchemaCompiler } from "fastify";
import { OWNER_NAME } from "../model/index.ts";
import { DEFAULT_PAGE, MAX_AUTHOR, MAX_LABEL_FILTERS, MAX_MESSAGE, MAX_PAGE, MAX_REVISIONS_PAGE } from "./limits.ts";

/**
 * Coerces, as a query has only text; `array` for parameters that may stand once or repeatedly. That our schemas are schemas is
 * a test's to say: the check would cost every start a tenth of a second.
 */
const ajv = new Ajv2020({
  coerceTypes: "array",
  useDefaults: true,
  allErrors: true,
  verbose: true,
  validateSchema: false,
});

/** Query and path are checked by their schemas; bodies by the model, whose findings say more; headers by what reads them. */
export const compileSchema: FastifySchemaCompiler<object> = ({ schema, httpPart }) =>
  httpPart === "body" || httpPart === "headers" ? () => true : ajv.compile(schema);

const object = (properties: Record<string, object>): object => ({
  type: "object",
  additionalProperties: false,
  properties,
});

const dryRun = { type: "boolean", description: "Judge and tell what would change, but store nothing." };

/** Of operations without query parameters. */
export const noQuery = object({});
/** Of the readiness probe; `verbose` is usually written alone. */
export const readyQuery = object({
  verbose: { enum: ["", "true", "1"], description: "Tell of each fleet which revision it has, and why no newer one." },
});
/** Of writes of a resource or of the whole configuration, and of restores. */
export const writeQuery = object({ dryRun });
/** Of apply: listed resources are written; of the others only those that have `owner` as their owner are deleted. */
export const applyQuery = object({
  dryRun,
  owner: {
    type: "string",
    pattern: OWNER_NAME,
    description:
      "Whose document this is: listed resources get the label trimtab.io/owner with this value, and resources that have it but are no longer listed are deleted.",
  },
  force: {
    type: "boolean",
    description:
      "Write resources that belong to another owner too. They become the owner's of this apply, or of their label in the document; where neither names one they keep theirs.",
  },
});

/** Of lists of resources: the cursor is a resource's name. */
export const listQuery = object({
  limit: { type: "integer", minimum: 1, maximum: MAX_PAGE, default: DEFAULT_PAGE, description: "Items of a page." },
  cursor: { type: "string", minLength: 1, maxLength: 63, description: "`nextCursor` of the page before." },
  label: {
    type: "array",
    maxItems: MAX_LABEL_FILTERS,
    items: { type: "string", maxLength: 127, pattern: "^[^=]+(?:=[^=]*)?$" },
    description: "`key=value`, or `key` for any value. Given several times, all must hold.",
  },
});

/** Of the list of revisions: the cursor is a revision's number. */
export const revisionsQuery = object({
  limit: {
    type: "integer",
    minimum: 1,
    maximum: MAX_REVISIONS_PAGE,
    default: DEFAULT_PAGE,
    description: "Items of a page, at most.",
  },
  cursor: { type: "integer", minimum: 1, description: "`nextCursor` of the page before." },
});

/** Of a fleet's rendered files. */
export const filesQuery = object({ format: { enum: ["json", "tar"], description: "Overrides the Accept header." } });

const header = (description: string): object => ({ type: "string", description });

/** Of reads. */
export const readHeaders = {
  type: "object",
  properties: { "If-None-Match": header("An ETag that the client has: 304 when it is still the one.") },
};
/** Of writes. */
export const writeHeaders = {
  type: "object",
  properties: {
    "If-Match": header("The ETag that the write builds on (`*`: any): 412 when someone else wrote meanwhile."),
    "If-None-Match": header("`*`: only when it does not exist yet; else 412."),
    "Trimtab-Author": header(`Who writes: up to ${MAX_AUTHOR} characters. Default: anonymous.`),
    "Trimtab-Message": header(`Why: up to ${MAX_MESSAGE} characters, kept with the revision.`),
  },
};

/** Path parameter: a resource's name. */
export const nameParams = { type: "object", properties: { name: { type: "string" } }, required: ["name"] };
/** Path parameter: a revision's number; 0 is the empty model. */
export const revisionParams = {
  type: "object",
  properties: { revision: { type: "integer", minimum: 0, maximum: Number.MAX_SAFE_INTEGER } },
  required: ["revision"],
};
