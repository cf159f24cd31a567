/** The whole configuration as one document. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import {
  applyChanges,
  diffSnapshotsSteps,
  emptySnapshot,
  kindOf,
  toDocumentSteps,
  validateConfigSteps,
} from "../../model/index.ts";
import type { Change, Resource, Snapshot } from "../../model/types.ts";
import { pointer } from "../../util/pointer.ts";
import { inSlices, type Pace, rest } from "../../util/slices.ts";
import { due, type Steps } from "../../util/steps.ts";
import { negotiate } from "../accept.ts";
import { answeredNotModified, checkConditions, etagOf, readConditions } from "../conditions.ts";
import { type Locate, locateIn, refusal } from "../diagnostics.ts";
import { documentJson } from "../documentJson.ts";
import { busy } from "../errorHandler.ts";
import type { Limits } from "../limits.ts";
import { answers, operation, schemaRef } from "../openapi.ts";
import { applyQuery, noQuery, writeQuery } from "../parameters.ts";
import { Problem, type ProblemItem } from "../problem.ts";
import { readMeta, type WriteDeps, write } from "../writes.ts";
import { documentYaml, parseYaml } from "../yaml.ts";

const JSON_TYPE = "application/json";
const YAML_TYPE = "application/yaml";

/** The label by which `apply` knows what an owner listed before. */
export const OWNER_LABEL = "trimtab.io/owner";

/** Registers `/v1/config` and `/v1/config/apply`, in a scope of their own: only they take YAML and large bodies. */
export function configRoutes(app: FastifyInstance, deps: WriteDeps & { readonly limits: Limits }): void {
  app.register(async (scope) => {
    scope.addContentTypeParser(
      ["application/yaml", "application/x-yaml", "text/yaml"],
      { parseAs: "string" },
      async (_request: unknown, text: string) => parseYaml(text),
    );
    getRoute(scope, deps);
    scope.register(async (writes) => {
      boundWrites(writes, deps.limits.configWrites);
      startRested(writes, deps.pace);
      putRoute(writes, deps);
      applyRoute(writes, deps);
    });
  });
}

/** Counts requests from their headers to their answer, as their bodies are held all that time. */
function boundWrites(app: FastifyInstance, maximum: number): void {
  const running = new Set<string>();
  app.addHook("onRequest", async (request, reply) => {
    if (running.size >= maximum) throw busy();
    running.add(request.id);
    reply.raw.once("close", () => running.delete(request.id));
  });
}

/** The turn of the event loop that parsed a body of megabytes has held it long enough. */
function startRested(app: FastifyInstance, pace: Pace | undefined): void {
  app.addHook("preHandler", () => rest(pace));
}

function getRoute(app: FastifyInstance, { store, pace }: WriteDeps): void {
  const schema = operation("config", "Read the whole configuration", {
    querystring: noQuery,
    response: answers("config"),
  });
  app.get("/v1/config", { schema }, async (request, reply) => {
    const type = negotiate(request.headers.accept, [JSON_TYPE, YAML_TYPE]);
    const { revision, snapshot } = store.head();
    reply.header("vary", "Accept");
    if (answeredNotModified(request, reply, type === YAML_TYPE ? yamlTag(revision) : etagOf(revision))) return reply;
    reply.type(`${type}; charset=utf-8`);
    return inSlices(type === YAML_TYPE ? yamlOf(snapshot) : configJson(snapshot), pace);
  });
}

/** The model as one JSON document. */
export function* configJson(snapshot: Snapshot): Steps<string> {
  return yield* documentJson(yield* toDocumentSteps(snapshot));
}

function* yamlOf(snapshot: Snapshot): Steps<string> {
  return yield* documentYaml(yield* toDocumentSteps(snapshot));
}

/** Each representation has a strong tag of its own; If-Match takes either. */
function yamlTag(revision: number): string {
  return etagOf(`${revision}-yaml`);
}

function tagsOf(revision: number): readonly string[] {
  return [etagOf(revision), yamlTag(revision)];
}

function putRoute(app: FastifyInstance, deps: WriteDeps & { readonly limits: Limits }): void {
  const schema = operation("config", "Replace the whole configuration", {
    querystring: writeQuery,
    body: schemaRef("config"),
    response: answers("WriteAnswer"),
  });
  app.put("/v1/config", { schema, bodyLimit: deps.limits.configBodyBytes }, async (request, reply) => {
    const resources = await inSlices(readConfig(request.body), deps.pace);
    const target = applyChanges(emptySnapshot, resources.map(changeTo));
    return store(deps, { request, reply, changes: (snapshot) => diffSnapshotsSteps(snapshot, target) });
  });
}

function applyRoute(app: FastifyInstance, deps: WriteDeps & { readonly limits: Limits }): void {
  const schema = operation("config", "Merge a configuration into the present one", {
    querystring: applyQuery,
    body: schemaRef("config"),
    response: answers("WriteAnswer"),
  });
  const options = { schema, bodyLimit: deps.limits.configBodyBytes };
  app.post<{ Querystring: { owner?: string } }>("/v1/config/apply", options, async (request, reply) => {
    const { owner } = request.query;
    // Labels go in before the check, so that their number and values are judged with the rest.
    if (owner !== undefined) request.body = await inSlices(labelled(request.body, owner), deps.pace);
    const resources = await inSlices(readConfig(request.body), deps.pace);
    function* changes(snapshot: Snapshot): Steps<readonly Change[]> {
      const writes = resources.map(changeTo);
      if (owner === undefined) return writes;
      yield* refuseForeign(snapshot, resources, { owner, locate: locateIn(request.body) });
      return [...writes, ...(yield* prune(snapshot, resources, owner))];
    }
    return store(deps, { request, reply, changes });
  });
}

async function store(
  deps: WriteDeps,
  {
    request,
    reply,
    changes,
  }: { request: FastifyRequest; reply: FastifyReply; changes: (snapshot: Snapshot) => Steps<readonly Change[]> },
): Promise<unknown> {
  const conditions = readConditions(request);
  const locate = locateIn(request.body);
  const { answer } = await write(deps, {
    ...readMeta(request),
    *plan({ revision, snapshot }) {
      const problem = checkConditions(conditions, tagsOf(revision));
      if (problem !== null) throw problem;
      return { changes: yield* changes(snapshot), locate };
    },
  });
  if (answer.dryRun === undefined) reply.header("etag", etagOf(answer.revision));
  return answer;
}

/** A missing body is no empty configuration: a pipeline that produced nothing must not delete everything. `{}` says it. */
function* readConfig(document: unknown): Steps<readonly Resource[]> {
  if (document === undefined || document === null) {
    throw new Problem("API-BAD-REQUEST", "the body is empty; to mean an empty configuration send {}");
  }
  const { resources, diagnostics } = yield* validateConfigSteps(document);
  const problem = refusal(diagnostics, () => "");
  if (problem !== null) throw problem;
  return resources;
}

function changeTo(resource: Resource): Change {
  return { kind: resource.kind, name: resource.name, resource } as Change;
}

type Labels = Readonly<Record<string, string>>;

function ownerOf(resource: Resource | undefined): string | undefined {
  return (resource?.body.labels as Labels | undefined)?.[OWNER_LABEL];
}

/** The document with the owner's label on everything that it lists; what is misshapen stays as it is, for the check to name. */
function* labelled(document: unknown, owner: string): Steps<unknown> {
  if (!isObject(document)) return document;
  const errors: ProblemItem[] = [];
  const label = (collection: string, body: unknown, index: number): unknown => {
    if (!isObject(body) || !(body.labels === undefined || isObject(body.labels))) return body;
    const own = body.labels?.[OWNER_LABEL];
    if (own !== undefined && own !== owner) {
      const message = `the label says ${JSON.stringify(own)}, but the owner of this apply is ${JSON.stringify(owner)}`;
      errors.push({ pointer: pointer(collection, index, "labels", OWNER_LABEL), code: "API-OWNER-LABEL", message });
    }
    return { ...body, labels: { ...body.labels, [OWNER_LABEL]: owner } };
  };
  const entries: [string, unknown][] = [];
  for (const [collection, list] of Object.entries(document)) {
    const known = kindOf(collection) !== undefined && Array.isArray(list);
    const bodies: unknown[] = [];
    for (const [index, body] of known ? list.entries() : []) {
      bodies.push(label(collection, body, index));
      if (due(index)) yield;
    }
    entries.push([collection, known ? bodies : list]);
  }
  if (errors.length > 0) throw new Problem("API-INVALID", "the document lists resources of another owner", { errors });
  return Object.fromEntries(entries);
}

function isObject(value: unknown): value is Record<string, unknown> & { labels?: Record<string, unknown> } {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

function stored(snapshot: Snapshot, { kind, name }: Resource): Resource | undefined {
  return (snapshot[kind] as ReadonlyMap<string, Resource>).get(name);
}

function* refuseForeign(
  snapshot: Snapshot,
  resources: readonly Resource[],
  { owner, locate }: { owner: string; locate: Locate },
): Steps<void> {
  const errors: ProblemItem[] = [];
  for (const [index, resource] of resources.entries()) {
    if (due(index)) yield;
    const present = ownerOf(stored(snapshot, resource));
    if (present === undefined || present === owner) continue;
    const message = `${resource.kind} ${resource.name} belongs to ${JSON.stringify(present)}`;
    errors.push({ pointer: locate(resource.kind, resource.name) ?? "", code: "API-OWNED-BY-OTHER", message });
  }
  if (errors.length > 0)
    throw new Problem("API-OWNED-BY-OTHER", "the document lists resources that belong to another owner", { errors });
}

/** Deletes what has the owner's label and is not listed. */
function* prune(snapshot: Snapshot, resources: readonly Resource[], owner: string): Steps<Change[]> {
  const listed = new Set(resources.map(({ kind, name }) => `${kind}/${name}`));
  const pruned: Change[] = [];
  for (const map of Object.values(snapshot) as ReadonlyMap<string, Resource>[]) {
    let index = 0;
    for (const resource of map.values()) {
      if (due(index++)) yield;
      const { kind, name } = resource;
      if (ownerOf(resource) === owner && !listed.has(`${kind}/${name}`))
        pruned.push({ kind, name, resource: null } as Change);
    }
  }
  return pruned;
}
