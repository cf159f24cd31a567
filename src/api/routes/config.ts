/** The whole configuration as one document. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Diagnostic } from "../../errors/diagnostic.ts";
import {
  applyChanges,
  changeTo,
  diffSnapshotsSteps,
  emptySnapshot,
  toDocumentSteps,
  validateConfigSteps,
} from "../../model/index.ts";
import type { Change, Resource, Snapshot } from "../../model/types.ts";
import type { Sealed } from "../../secrets/index.ts";
import { inSlices } from "../../util/slices.ts";
import type { Steps } from "../../util/steps.ts";
import { negotiate } from "../accept.ts";
import type { Bodies } from "../bodies/bodies.ts";
import { answeredNotModified, checkConditions, etagOf, readConditions } from "../conditions.ts";
import { locateIn, locateNone, refusal } from "../diagnostics.ts";
import { documentJson } from "../documentJson.ts";
import { documentYaml } from "../documentYaml.ts";
import { busy } from "../errorHandler.ts";
import type { Limits } from "../limits.ts";
import { answers, answersIn, bodyOf, contentOf, operation } from "../openapi.ts";
import { labelled, prune, strangersIn } from "../owners.ts";
import { applyQuery, noQuery, readHeaders, writeHeaders, writeQuery } from "../parameters.ts";
import { Problem } from "../problem.ts";
import { sealBody } from "../sealed.ts";
import type { SharedTexts } from "../sharedTexts.ts";
import { prepareWrite, readMeta, type WriteDeps, type WriteQuery, write } from "../writes.ts";

const JSON_TYPE = "application/json";
const YAML_TYPE = "application/yaml";

/** A file, as clients see it: they make no YAML of their objects. */
const yamlBody = { [YAML_TYPE]: { schema: { type: "string", format: "binary" } } };

/** Registers `/v1/config` and `/v1/config/apply`, in a scope of their own: only they take YAML and large bodies. */
export function configRoutes(
  app: FastifyInstance,
  deps: WriteDeps & { readonly limits: Limits; readonly bodies: Bodies; readonly shared: SharedTexts },
): void {
  app.register(async (scope) => {
    deps.bodies.take(scope, ["application/yaml", "application/x-yaml", "text/yaml"], "yaml");
    getRoute(scope, deps);
    scope.register(async (writes) => {
      boundWrites(writes, deps.limits.configWrites);
      putRoute(writes, deps);
      applyRoute(writes, deps);
    });
  });
}

/** Counts requests from their whole body to their answer: who sends slowly takes nobody's place. */
function boundWrites(app: FastifyInstance, maximum: number): void {
  const running = new Set<string>();
  app.addHook("preHandler", async (request, reply) => {
    if (running.size >= maximum) throw busy("too many whole-configuration writes are in progress");
    running.add(request.id);
    reply.raw.once("close", () => running.delete(request.id));
  });
}

function getRoute(app: FastifyInstance, { store, pace, shared }: WriteDeps & { readonly shared: SharedTexts }): void {
  const schema = operation("config", "Read the whole configuration", {
    operationId: "getConfig",
    headers: readHeaders,
    querystring: noQuery,
    response: answersIn(contentOf("config", [JSON_TYPE, YAML_TYPE])),
  });
  app.get("/v1/config", { schema }, async (request, reply) => {
    const type = negotiate(request.headers.accept, [JSON_TYPE, YAML_TYPE]);
    const { revision, snapshot } = store.head();
    reply.header("vary", "Accept");
    const tag = type === YAML_TYPE ? yamlTag(revision) : etagOf(revision);
    if (answeredNotModified(request, reply, tag)) return reply;
    reply.type(`${type}; charset=utf-8`);
    return shared(tag, reply, () => inSlices(type === YAML_TYPE ? yamlOf(snapshot) : configJson(snapshot), pace));
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
    operationId: "putConfig",
    headers: writeHeaders,
    querystring: writeQuery,
    body: bodyOf("config", JSON_TYPE, yamlBody),
    response: answers("WriteAnswer"),
  });
  app.put("/v1/config", { schema, bodyLimit: deps.limits.configBodyBytes }, async (request, reply) => {
    const sealing = await sealBody(request, null, deps);
    const resources = await inSlices(readConfig(request, emptySnapshot, { ...deps, ...sealing }), deps.pace);
    await prepareWrite(deps, resources, locateIn(request.body));
    const target = applyChanges(emptySnapshot, resources.map(changeTo));
    return store(deps, { request, reply, changes: (snapshot) => diffSnapshotsSteps(snapshot, target), ...sealing });
  });
}

function applyRoute(app: FastifyInstance, deps: WriteDeps & { readonly limits: Limits }): void {
  const schema = operation("config", "Merge a configuration into the present one", {
    operationId: "applyConfig",
    headers: writeHeaders,
    querystring: applyQuery,
    body: bodyOf("config", JSON_TYPE, yamlBody),
    response: answers("WriteAnswer"),
  });
  const options = { schema, bodyLimit: deps.limits.configBodyBytes };
  app.post<{ Querystring: WriteQuery }>("/v1/config/apply", options, async (request, reply) => {
    const { owner } = request.query;
    let { found, secrets } = await sealBody(request, null, deps);
    if (owner !== undefined) {
      // Labels go in before the check, so that their number and values are judged with the rest.
      const claimed = await inSlices(labelled(request.body, owner), deps.pace);
      request.body = claimed.document;
      found = [...found, ...claimed.found];
    }
    const { snapshot: base } = deps.store.head();
    const resources = await inSlices(readConfig(request, base, { ...deps, found }), deps.pace);
    await prepareWrite(deps, resources, locateIn(request.body));
    const writes = resources.map(changeTo);
    function* changes(snapshot: Snapshot): Steps<readonly Change[]> {
      return owner === undefined ? writes : [...writes, ...(yield* prune(snapshot, resources, owner))];
    }
    return store(deps, { request, reply, changes, found, secrets });
  });
}

/** How a write of a configuration goes on when its document is read. */
interface ConfigWrite {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly changes: (snapshot: Snapshot) => Steps<readonly Change[]>;
  readonly found: readonly Diagnostic[];
  readonly secrets: readonly Sealed[];
}

async function store(deps: WriteDeps, { request, reply, changes, found, secrets }: ConfigWrite): Promise<unknown> {
  const conditions = readConditions(request);
  const locate = locateIn(request.body);
  const { answer } = await write(deps, {
    ...readMeta(request),
    secrets,
    *plan({ revision, snapshot }) {
      const problem = checkConditions(conditions, tagsOf(revision));
      if (problem !== null) throw problem;
      return { changes: yield* changes(snapshot), locate, documents: true, found };
    },
  });
  if (answer.dryRun === undefined) reply.header("etag", etagOf(answer.revision));
  return answer;
}

/**
 * A missing body is no empty configuration: a pipeline that produced nothing must not delete everything. `{}` says it. `base` is
 * the model that the document is added to, `found` what is wrong with it already.
 */
function* readConfig(
  request: FastifyRequest,
  base: Snapshot,
  deps: Pick<WriteDeps, "scale" | "store"> & { readonly found: readonly Diagnostic[] },
): Steps<readonly Resource[]> {
  const document: unknown = request.body;
  if (document === undefined || document === null) {
    throw new Problem("API-BAD-REQUEST", "the body is empty; to mean an empty configuration send {}");
  }
  const { resources, diagnostics } = yield* validateConfigSteps(document, base, deps.scale);
  if (diagnostics.length === 0) return resources;
  const strangers = yield* strangersIn(document, deps.store.head().snapshot, readMeta(request).claim);
  throw refusal([...strangers, ...deps.found, ...diagnostics], locateNone) as Problem;
}
