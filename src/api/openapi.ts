/** OpenAPI 3.1: what routes say of themselves, and the schemas of the API's own documents. The model's come from `schemas/`. */
import type { FastifySchema } from "fastify";
import { collections, kindOf } from "../model/index.ts";
import { certificateSchemas } from "./certificateSchemas.ts";
import { explainSchema } from "./explainSchema.ts";
import { modelComponents, schemaRef, withoutDefaults } from "./openapi/components.ts";
import { patchesOf } from "./openapi/patches.ts";
import { problemCode } from "./openapi/problems.ts";
import type { Components, Schema } from "./openapi/schema.ts";
import { proxySchemas } from "./proxySchemas.ts";
import { choice, integer, list, object, orNull, text, textOrNull } from "./schemaParts.ts";

export { schemaRef } from "./openapi/components.ts";

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
  return verb + upper(noun);
}

function upper(noun: string): string {
  return noun.slice(0, 1).toUpperCase() + noun.slice(1);
}

/** A body in one media type; `more` are others. */
export function bodyOf(name: string, type: string, more: Readonly<Record<string, object>> = {}): object {
  return { content: { ...contentOf(name, [type]), ...more } };
}

/** The own answers of an operation (200, and others that look alike). Problems are added by the document. */
export function answers(name: string, ...more: readonly number[]): Record<string, object> {
  return answersIn(contentOf(name, ["application/json"]), { more });
}

/** Those that have other media types than JSON, or headers of their own. */
export function answersIn(
  content: object,
  { more = [], headers = {} }: { readonly more?: readonly number[]; readonly headers?: object } = {},
): Record<string, object> {
  const etag = { type: "string", description: "For If-Match and If-None-Match; a dry run has none." };
  const own = { description: "Done.", headers: { ETag: etag, ...headers }, content };
  const location = { type: "string", description: "The path of what was created." };
  const created = { ...own, description: "Created.", headers: { ETag: etag, Location: location } };
  return { 200: own, ...Object.fromEntries(more.map((status) => [status, status === 201 ? created : own])) };
}

/** One schema in several media types. */
export function contentOf(name: string, types: readonly string[]): Record<string, object> {
  return Object.fromEntries(types.map((type) => [type, { schema: schemaRef(name) }]));
}

const problemItem = object(["pointer", "code", "message"], {
  pointer: {
    ...text,
    description: "RFC 6901: into the submitted document, or into `resource` when that is given.",
  },
  code: { ...text, description: "Stable; docs/reference/errors.md has them all. Newer servers may have more." },
  message: text,
  resource: { ...text, description: "A stored resource, as `routes/api`." },
  fleet: text,
  proxy: text,
});

const change = object(["resource", "change"], {
  resource: { ...text, description: "As `routes/api`." },
  change: schemaRef("ChangeWord"),
});
const changes = list(schemaRef("ResourceChange"));

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
    ...choice("serving", "waiting", "unknown"),
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
    ...choice("current", "behind", "failed"),
    description:
      "current: the output of `revision` is made. behind: not yet; files are made when somebody asks. failed: it cannot be made.",
  },
  revision: { ...integer, description: "The newest revision." },
  publishedRevision: { type: ["integer", "null"], description: "That the last good output is of, which is in force." },
  error: orNull(schemaRef("FleetError")),
  listeners: list(schemaRef("FleetListener")),
});

const outcome = (kind: string, properties: Record<string, Schema>): Schema =>
  object(["kind", ...Object.keys(properties)], { kind: { ...text, const: kind }, ...properties });

/** See `Outcome` of the compiler room. */
const outcomes: Record<string, Schema> = {
  ForwardOutcome: outcome("forward", {
    split: list(schemaRef("Share")),
    path: { ...text, description: "As the endpoint sees it, query included." },
  }),
  RedirectOutcome: outcome("redirect", { status: integer, location: text }),
  RespondOutcome: outcome("respond", { status: integer }),
  PassOutcome: outcome("pass", {
    split: list(schemaRef("Share")),
    tlsEnds: { type: "boolean", description: "At the proxy; false: endpoints get the client's bytes as they are." },
  }),
  CloseOutcome: outcome("close", { reason: text }),
  ErrorOutcome: outcome("error", { status: integer, reason: text }),
};

const page = (item: string, cursor: Schema): Schema =>
  object(["items"], {
    items: list(schemaRef(item)),
    nextCursor: { ...cursor, description: "`cursor` of the next page. Absent: this is the last." },
  });

/** The API's own documents. */
const own: Components = {
  Problem: object(["type", "title", "status", "code", "detail"], {
    type: text,
    title: text,
    status: integer,
    code: schemaRef("ProblemCode"),
    detail: text,
    errors: list(schemaRef("ProblemItem")),
    errorsOmitted: { ...integer, description: "Problems beyond those in `errors`." },
  }),
  ProblemCode: problemCode,
  ProblemItem: problemItem,
  ResourceChange: change,
  ChangeWord: choice("created", "updated", "deleted"),
  WriteAnswer: object(["revision", "changed", "warnings"], {
    revision: { ...integer, description: "That holds the write; of a dry run: on which it was tried." },
    changed: changes,
    warnings: {
      ...list(schemaRef("ProblemItem")),
      description: "About what was sent, what changed by it, and what names that.",
    },
    warningsOmitted: { ...integer, description: "Warnings beyond these, most of them about the rest of the model." },
    dryRun: { type: "boolean", const: true, description: "Nothing was stored. Absent: it was." },
  }),
  RevisionSummary: object(Object.keys(revision), revision),
  RevisionList: page("RevisionSummary", integer),
  Revision: object([...Object.keys(revision), "config"], { ...revision, config: schemaRef("config") }),
  FleetFiles: object(["fleet", "proxy", "revision", "generation", "sockets", "files"], {
    fleet: text,
    proxy: text,
    revision: integer,
    generation: { ...text, description: "The hash of the files." },
    sockets: { ...list(schemaRef("FileSocket")), description: "What a proxy with these files listens on." },
    files: list(schemaRef("RenderedFile")),
    error: {
      ...schemaRef("FleetError"),
      description: "Why these are the last good files and no newer ones. Absent: they are the newest.",
    },
  }),
  RenderedFile: object(["path", "text", "mode"], { path: text, text, mode: integer }),
  FileSocket: object(["address", "port", "listeners", "file"], {
    address: text,
    port: integer,
    transport: { ...choice("udp"), description: "Absent: TCP." },
    listeners: { ...list(text), description: "Names of the listeners behind it." },
    file: { ...text, description: "The file that opens this socket, and nothing else." },
  }),
  FleetError: fleetError,
  FleetListener: fleetListener,
  FleetStatus: fleetStatus,
  ...proxySchemas,
  ...certificateSchemas,
  ExplainRequest: withoutDefaults(explainSchema),
  Explanation: object(["host", "virtualHost", "outcome", "rules"], {
    host: { ...text, description: "Lower case, without port and trailing dot." },
    virtualHost: { ...textOrNull, description: "The hostname under which routes take the request; null: none." },
    outcome: {
      oneOf: Object.keys(outcomes).map(schemaRef),
      discriminator: {
        propertyName: "kind",
        mapping: Object.fromEntries(
          Object.keys(outcomes).map((name) => [name.replace("Outcome", "").toLowerCase(), schemaRef(name).$ref]),
        ),
      },
    },
    rules: { ...list(schemaRef("ExplainedRule")), description: "In order of precedence; the first 50 and the winner." },
  }),
  ...outcomes,
  Share: object(["cluster", "sharePercent"], { cluster: text, sharePercent: { type: "number" } }),
  ExplainedRule: object(["route", "rule", "match", "verdict", "reason"], {
    route: text,
    rule: { ...text, description: "Its name, or its place." },
    match: text,
    verdict: choice("wins", "loses", "doesNotMatch"),
    reason: text,
  }),
  Health: object(["status"], { status: choice("ok") }),
  Readiness: object(["status", "revision", "publishedRevision"], {
    status: choice("ready"),
    revision: integer,
    publishedRevision: integer,
    fleets: { ...list(schemaRef("FleetStatus")), description: "With `verbose` only." },
  }),
};

/** `cluster` -> `ClusterList`: a page of a collection. */
export function listName(kind: string): string {
  return `${upper(kind)}List`;
}

/** `cluster` -> `ClusterPatch`: a merge patch of one. */
export function patchName(kind: string): string {
  return `${upper(kind)}Patch`;
}

/** Everything that operations refer to: documents of the model, their patches and pages, shared values, the API's own. */
export function componentSchemas(): Components {
  const model = modelComponents();
  const kinds = collections.map((collection) => kindOf(collection) as string);
  const pages = kinds.map((kind) => [listName(kind), page(kind, text)] as const);
  const groups = [own, Object.fromEntries(pages), model, patchesOf(kinds.map(upper), model)];
  const all: Components = {};
  for (const [name, schema] of groups.flatMap(Object.entries<Schema>)) {
    if (Object.hasOwn(all, name)) throw new Error(`openapi: two schemas are named ${name}`);
    all[name] = schema;
  }
  return all;
}
