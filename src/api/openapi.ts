/** OpenAPI 3.1 from the JSON Schemas of the model. */
import type { FastifySchema } from "fastify";
import { schemas } from "../gen/schemas.ts";
import { PROBLEM_TYPE } from "./problem.ts";
import { proxySchemas } from "./proxySchemas.ts";
import { integer, list, object, text, textOrNull } from "./schemaParts.ts";

const COMPONENTS = "#/components/schemas/";

/** A reference to a schema of `schemas/` (`route`, `config`) or to one of the API's own below. */
export function schemaRef(name: string): object {
  return { $ref: COMPONENTS + name };
}

/** A document that only the model can judge: a merge patch. */
export const documentBody = { type: "object", description: "A JSON merge patch (RFC 7396)." };

/** What fastify and OpenAPI need to know of an operation. `operationId` is the name that generated clients give it. */
export function operation(
  tag: string,
  summary: string,
  parts: FastifySchema & { readonly operationId: string },
): FastifySchema {
  return { ...parts, tags: [tag], summary } as FastifySchema;
}

/** `list`, `clusters` -> `listClusters`. */
export function operationName(verb: string, noun: string): string {
  return verb + noun.slice(0, 1).toUpperCase() + noun.slice(1);
}

/** The answers of an operation: its own (200, and others that look alike) and problems. */
export function answers(name: string, ...more: readonly number[]): Record<string, object> {
  const own = {
    description: "Done.",
    headers: {
      etag: { type: "string", description: "For If-Match and If-None-Match; not of dry runs and deletions." },
    },
    content: { "application/json": { schema: schemaRef(name) } },
  };
  const problem = {
    description: "A problem (RFC 9457).",
    content: { [PROBLEM_TYPE]: { schema: schemaRef("Problem") } },
  };
  return { ...Object.fromEntries([200, ...more].map((status) => [status, own])), default: problem };
}

const problemItem = object(["pointer", "code", "message"], {
  pointer: {
    ...text,
    description: "RFC 6901: into the submitted document, or into `resource` when that is given.",
  },
  code: text,
  message: text,
  resource: { ...text, description: "A stored resource, as `routes/api`." },
  fleet: text,
  proxy: text,
});

const changes = list(
  object(["resource", "change"], { resource: text, change: { enum: ["created", "updated", "deleted"] } }),
);

const revision = {
  revision: integer,
  time: { ...text, format: "date-time" },
  author: text,
  message: text,
  changes,
};

/** Where a listener stands on a fleet's proxies. */
const fleetListener = object(["listener", "state", "reason", "since", "proxies"], {
  listener: text,
  state: {
    enum: ["serving", "waiting", "unknown"],
    description: "waiting: on some proxy. unknown: none has said anything.",
  },
  reason: { ...textOrNull, description: "Why it waits." },
  since: { ...text, format: "date-time" },
  proxies: { ...list(text), description: "For which it waits; at most 100." },
});

const fleetError = object(["code", "message", "revision", "since"], {
  code: text,
  message: text,
  revision: { ...integer, description: "The first revision that it befell." },
  since: { ...text, format: "date-time" },
});

/** See `FleetStatus` of the publish room. */
const fleetStatus = object(["fleet", "state", "revision", "publishedRevision", "error", "listeners"], {
  fleet: text,
  state: {
    enum: ["current", "behind", "failed"],
    description:
      "current: the output of `revision` is made. behind: not yet; files are made when somebody asks. failed: it cannot be made.",
  },
  revision: { ...integer, description: "The newest revision." },
  publishedRevision: { type: ["integer", "null"], description: "That the last good output is of, which is in force." },
  error: { anyOf: [fleetError, { type: "null" }] },
  listeners: list(fleetListener),
});

/** The API's own answers. */
const own: Record<string, object> = {
  Problem: object(["type", "title", "status", "code", "detail"], {
    type: text,
    title: text,
    status: integer,
    code: text,
    detail: text,
    errors: list(problemItem),
    errorsOmitted: integer,
  }),
  ProblemItem: problemItem,
  WriteAnswer: object(["revision", "changed", "warnings"], {
    revision: integer,
    changed: changes,
    warnings: { ...list(problemItem), description: "About what was sent, what changed by it, and what names that." },
    warningsOmitted: { ...integer, description: "Warnings beyond these, most of them about the rest of the model." },
    dryRun: { const: true },
  }),
  List: object(["items"], { items: list({}), nextCursor: { type: ["string", "integer"] } }),
  Revision: object(["revision", "time", "author", "message", "changes"], { ...revision, config: schemaRef("config") }),
  FleetFiles: object(["fleet", "proxy", "revision", "generation", "files"], {
    fleet: text,
    proxy: text,
    revision: integer,
    generation: text,
    files: list(object(["path", "text", "mode"], { path: text, text, mode: integer })),
    error: {
      ...fleetError,
      description: "Why these are the last good files and no newer ones. Absent: they are the newest.",
    },
  }),
  FleetStatus: fleetStatus,
  ...proxySchemas(schemaRef),
  Explanation: { type: "object" },
};

/** Everything that operations refer to. The model's schemas keep their names; shared values and parts stand beside them. */
export function componentSchemas(): Record<string, object> {
  const all: Record<string, object> = { ...own };
  const add = (name: string, schema: object): void => {
    if (Object.hasOwn(all, name)) throw new Error(`openapi: two schemas are named ${name}`);
    all[name] = withComponents(schema) as object;
  };
  for (const [id, { $defs, $id, $schema, ...schema }] of Object.entries(schemas as Record<string, SchemaFile>)) {
    for (const [name, definition] of Object.entries($defs ?? {})) add(name, definition);
    if ("type" in schema || "$ref" in schema) add(componentName(id), schema);
  }
  return all;
}

interface SchemaFile {
  readonly $id?: string;
  readonly $schema?: string;
  /** Definitions of several schema files must not share a name. */
  readonly $defs?: Readonly<Record<string, object>>;
}

/** `trimtab:values#/$defs/name` -> `name`, `trimtab:route` -> `route`, `trimtab:route/match` -> `routeMatch`. */
function componentName(reference: string): string {
  const path = reference.replace(/^.*#\/\$defs\//, "").replace(/^trimtab:/, "");
  return path.replace(/\/(.)/g, (_, letter: string) => letter.toUpperCase());
}

/** With references to components in place of those to schema files. */
function withComponents(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(withComponents);
  if (node === null || typeof node !== "object") return node;
  return Object.fromEntries(
    Object.entries(node).map(([key, value]) => [
      key,
      key === "$ref" && typeof value === "string" ? COMPONENTS + componentName(value) : withComponents(value),
    ]),
  );
}
