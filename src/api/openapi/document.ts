/** The whole description: what fastify knows of the routes, completed with what it cannot know. */
import { collections, kindOf } from "../../model/index.ts";
import { componentSchemas } from "../openapi.ts";
import { addExamples } from "./examples.ts";
import { problemResponses, problems } from "./problems.ts";

/**
 * Whether requests need a token. `either`: of a server nobody has started yet, as in the committed description: a client has a
 * token when its server asks for one.
 */
export type Access = "token" | "open" | "either";

/** What is completed here; the rest passes through. */
interface Document {
  readonly paths: Record<string, Record<string, Operation>>;
  [section: string]: unknown;
}

interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: object;
  responses: Record<string, Response>;
  security?: readonly object[];
  [part: string]: unknown;
}

interface Response {
  readonly headers?: Record<string, object>;
  readonly [part: string]: unknown;
}

const BEARER = { bearer: [] };

const SECURITY: Readonly<Record<Access, readonly object[]>> = { token: [BEARER], open: [], either: [BEARER, {}] };

/** With a token pages of strangers are no danger; without there is none to be wrong. */
const NEVER: Readonly<Record<Access, number | undefined>> = { token: 403, open: 401, either: undefined };

/** What is told before any route. */
export function documentHead(version: string): object {
  return {
    openapi: "3.1.0",
    info: {
      title: "Trimtab",
      version,
      description:
        "A load-balancer control plane. Writes are stored whole or not at all; every error is a problem document (RFC 9457) with a stable code.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    // Where it was fetched.
    servers: [{ url: "/", description: "The server that gave this document." }],
    tags: [...collections.map(collectionTag), ...TAGS],
  };
}

function collectionTag(collection: (typeof collections)[number]): object {
  return { name: collection, description: `Every ${kindOf(collection)} of the model, one by one.` };
}

const TAGS = [
  { name: "config", description: "The whole configuration as one document." },
  { name: "revisions", description: "The history." },
  { name: "explain", description: "What becomes of a request." },
  { name: "system", description: "Probes and metrics." },
];

/** Completes what fastify-swagger made; in place. */
export function completed(document: Document, access: Access): Document {
  document.components = {
    schemas: componentSchemas(),
    responses: problemResponses(NEVER[access]),
    // Without a token there is nothing to authorize with.
    ...(access === "open" ? {} : { securitySchemes: { bearer: { type: "http", scheme: "bearer" } } }),
  };
  document.security = SECURITY[access];
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(operations)) complete(operation, { path, method, access });
  }
  addExamples(document.paths);
  return document;
}

interface Place {
  readonly path: string;
  readonly method: string;
  readonly access: Access;
}

function complete(operation: Operation, place: Place): void {
  const { responses, parameters = [], operationId } = operation;
  const { method, access } = place;
  const has = (name: string): boolean => parameters.some((parameter) => parameter.name === name);
  const reads = method === "get" && has("If-None-Match");
  const { ETag: etag, ...headers } = responses[200]?.headers ?? {};
  if (!reads && (!has("If-Match") || method === "delete")) responses[200] = { ...responses[200], headers };
  if (reads)
    responses[304] = { description: "The client has it already.", headers: etag === undefined ? {} : { ETag: etag } };
  const statuses = [
    ...refusals(operation, place),
    ...(has("If-Match") ? WRITE_STATUSES : []),
    ...(MORE_STATUSES[operationId] ?? []),
  ];
  Object.assign(responses, problems(...statuses));
  const isOpen = OPEN_OPERATIONS[operationId];
  if (access !== "open" && isOpen !== undefined) operation.security = isOpen;
}

/** Beside those of every request with a body: another's resource, an outdated view, a store that cannot take it. */
const WRITE_STATUSES = [409, 412, 422, 503, 507];

/** A fleet has no files, or none yet; there is no such fleet or canary; an old revision cannot be read; the server is not ready. */
const MORE_STATUSES: Readonly<Record<string, readonly number[]>> = {
  getFleetFiles: [409, 503],
  explain: [404],
  reportProxy: [404, 409, 503],
  forgetProxy: [409],
  putCanaryState: [404],
  getRevision: [503],
  getReadiness: [503],
};

/** Of probes: they carry no token; with `?verbose` they say more, and need one. */
const OPEN_OPERATIONS: Readonly<Record<string, readonly object[]>> = { getHealth: [], getReadiness: [{}, BEARER] };

function refusals({ parameters = [], requestBody, operationId }: Operation, { path, method, access }: Place): number[] {
  const isProbe = OPEN_OPERATIONS[operationId]?.length === 0;
  // What is not there is created.
  const isNamed = method !== "put" && parameters.some((parameter) => parameter.in === "path");
  return [
    400,
    ...(access === "open" || isProbe ? [] : [401]),
    ...(access === "token" || isProbe ? [] : [403]),
    ...(isNamed ? [404] : []),
    ...(path.startsWith("/v1/") ? [406] : []),
    ...(requestBody === undefined ? [] : [413, 415, 422]),
    500,
  ];
}
