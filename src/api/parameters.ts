/** Parameters (query, path, headers): their schemas (checked by fastify, shown in OpenAPI), and the schema compiler. */
import { Ajv2020 } from "ajv/dist/2020.js";
import type { FastifySchemaCompiler } from "fastify";
import { OWNER_NAME } from "../model/index.ts";
import { DEFAULT_PAGE, MAX_AUTHOR, MAX_LABEL_FILTERS, MAX_MESSAGE, MAX_PAGE, MAX_REVISIONS_PAGE } from "./limits.ts";
import { NODE_NAME } from "./reportSchema.ts";

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
/** Of the readiness probe. */
export const readyQuery = object({
  verbose: { type: "boolean", description: "Tell of each fleet which revision it has, and why no newer one." },
});
const owner = {
  type: "string",
  pattern: OWNER_NAME,
  description:
    "As whom the write is made. What has an owner (its label trimtab.io/owner) is changed and deleted as that owner only: named here, or by the label in the document. What is sent for one resource, or changes in a configuration, gets this owner's label.",
};

const force = {
  type: "boolean",
  description:
    "Write what belongs to another owner too. It becomes the owner's of this write, or of its label in the document; where neither names one it stays whose it is.",
};
/** Of writes of a resource or of the whole configuration. */
export const writeQuery = object({ dryRun, owner, force });
/** Of restores: what they bring back has the owner that it had. */
export const restoreQuery = object({
  dryRun,
  owner: {
    ...owner,
    description:
      "As whom the write is made. What has an owner now, or had one at that revision, is restored as that owner only.",
  },
  force: { ...force, description: "Restore what belongs, or belonged, to another owner too." },
  scope: {
    enum: ["all", "owner"],
    default: "all",
    description: "`owner`: restore only what is `owner`'s, or was at that revision; all else stays as it is.",
  },
});
/** Of apply: listed resources are written; of the others only those that have `owner` as their owner are deleted. */
export const applyQuery = object({
  dryRun,
  owner: {
    type: "string",
    pattern: OWNER_NAME,
    description:
      "Whose document this is: listed resources get the label trimtab.io/owner with this value, and resources that have it but are no longer listed are deleted.",
  },
  force,
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
export const filesQuery = object({
  format: { type: "string", enum: ["json", "tar"], description: "Overrides the Accept header." },
});

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
export const nameParams = {
  type: "object",
  properties: { name: { type: "string", description: "The resource's name." } },
  required: ["name"],
};
/** Path parameters: a fleet, and one of its proxies. */
export const nodeParams = {
  type: "object",
  properties: {
    name: { type: "string", description: "The fleet's name." },
    node: { type: "string", pattern: NODE_NAME, description: "The proxy's name in its fleet, as of its machine." },
  },
  required: ["name", "node"],
};

/** Of the end of a proxy's reports. */
export const runQuery = {
  ...object({
    run: { type: "string", maxLength: 64, description: "Of the agent's process; of another one nothing ends." },
  }),
  required: ["run"],
};

/** Path parameter: a revision's number; 0 is the empty model. */
export const revisionParams = {
  type: "object",
  properties: {
    revision: { type: "integer", minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: "Its number." },
  },
  required: ["revision"],
};
