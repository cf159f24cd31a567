/** CRUD on every collection, with no code per kind. */
import type { FastifyInstance, FastifyReply } from "fastify";
import { collections, kindOf, validateResource } from "../../model/index.ts";
import type { Change, Collection, Kind, Resource, Snapshot } from "../../model/types.ts";
import { inSlices } from "../../util/slices.ts";
import { compareText } from "../../util/sorted.ts";
import { done, type Steps, shouldYield } from "../../util/steps.ts";
import type { Bodies } from "../bodies/bodies.ts";
import { answeredNotModified, checkConditions, etagOf, readConditions } from "../conditions.ts";
import { locateNone, locateOne } from "../diagnostics.ts";
import { mergePatch } from "../mergePatch.ts";
import { answers, bodyOf, listName, operation, operationName, patchName } from "../openapi.ts";
import { type Labelled, labelledOne, ownerIn } from "../owners.ts";
import { listQuery, nameParams, noQuery, readHeaders, writeHeaders, writeQuery } from "../parameters.ts";
import { patched, patchOwner, untouchedState } from "../patches.ts";
import { Problem } from "../problem.ts";
import { readResource } from "../readResource.ts";
import { sealBody } from "../sealed.ts";
import { prepareWrite, readMeta, type WriteDeps, write } from "../writes.ts";

const MERGE_PATCH = "application/merge-patch+json";

/** Registers `/v1/{collection}` and `/v1/{collection}/{name}` for every kind. */
export function collectionRoutes(app: FastifyInstance, deps: WriteDeps & { readonly bodies: Bodies }): void {
  for (const collection of collections) {
    const kind = kindOf(collection) as Kind;
    readRoutes(app, { collection, kind, deps });
    writeRoutes(app, { collection, kind, deps });
    // A scope of its own: only PATCH takes this content type.
    app.register(async (scope) => {
      deps.bodies.take(scope, [MERGE_PATCH], "json");
      patchRoute(scope, { collection, kind, deps });
    });
  }
}

interface Target {
  readonly collection: Collection;
  readonly kind: Kind;
  readonly deps: WriteDeps;
}

interface Named {
  Params: { name: string };
}

function readRoutes(app: FastifyInstance, { collection, kind, deps }: Target): void {
  const namesOf = createNames();
  app.get<{ Querystring: { limit: number; cursor?: string; label?: string[] } }>(
    `/v1/${collection}`,
    {
      schema: operation(collection, `List ${collection}`, {
        operationId: operationName("list", collection),
        headers: readHeaders,
        querystring: listQuery,
        response: answers(listName(kind)),
      }),
    },
    async (request, reply) => {
      const map = mapOf(deps.store.head().snapshot, kind);
      reply.type("application/json; charset=utf-8");
      return inSlices(pageOf(map, namesOf(map), request.query), deps.pace);
    },
  );
  app.get<Named>(
    `/v1/${collection}/:name`,
    {
      schema: operation(collection, `Read a ${kind}`, {
        operationId: operationName("get", kind),
        headers: readHeaders,
        params: nameParams,
        querystring: noQuery,
        response: answers(kind),
      }),
    },
    (request, reply) => {
      const { name } = request.params;
      const resource = mapOf(deps.store.head().snapshot, kind).get(name);
      if (resource === undefined) throw notFound(collection, name);
      return answeredNotModified(request, reply, etagOf(resource.hash)) ? reply : resource.body;
    },
  );
}

function writeRoutes(app: FastifyInstance, target: Target): void {
  const { collection, kind, deps } = target;
  const path = `/v1/${collection}/:name`;
  app.put<Named>(
    path,
    {
      schema: operation(collection, `Create or replace a ${kind}`, {
        operationId: operationName("put", kind),
        headers: writeHeaders,
        params: nameParams,
        querystring: writeQuery,
        body: bodyOf(kind, "application/json"),
        response: answers("WriteAnswer", 201),
      }),
    },
    async (request, reply) => {
      const { name } = request.params;
      const conditions = readConditions(request);
      const meta = readMeta(request);
      const { claim } = meta;
      const { found, secrets } = await sealBody(request, kind, deps);
      const named = claim.owner ?? ownerIn(request.body);
      const sent = claimed(request.body, claim.owner, found);
      const resource = readResource({ kind, name, base: deps.store.head().snapshot, claim, named }, sent);
      await prepareWrite(deps, [resource], locateOne(kind, name));
      const outcome = await write(deps, {
        ...meta,
        secrets,
        plan({ snapshot }) {
          const before = mapOf(snapshot, kind).get(name);
          throwIf(checkConditions(conditions, before === undefined ? null : [etagOf(before.hash)]));
          const changes = [changeOf(kind, name, resource)];
          return done({ changes, locate: locateOne(kind, name), documents: true, found: sent.found });
        },
      });
      return answerWith(reply, target, { ...outcome, name });
    },
  );
  app.delete<Named>(
    path,
    {
      schema: operation(collection, `Delete a ${kind}`, {
        operationId: operationName("delete", kind),
        headers: writeHeaders,
        params: nameParams,
        querystring: writeQuery,
        response: answers("WriteAnswer"),
      }),
    },
    async (request) => {
      const { name } = request.params;
      const conditions = readConditions(request);
      const { answer } = await write(deps, {
        ...readMeta(request),
        plan({ snapshot }) {
          const before = existing(snapshot, target, name);
          throwIf(checkConditions(conditions, [etagOf(before.hash)]));
          return done({ changes: [changeOf(kind, name, null)], locate: locateNone });
        },
      });
      return answer;
    },
  );
}

function patchRoute(app: FastifyInstance, target: Target): void {
  const { collection, kind, deps } = target;
  app.patch<Named>(
    `/v1/${collection}/:name`,
    {
      schema: operation(collection, `Change a ${kind} by a JSON merge patch`, {
        operationId: operationName("patch", kind),
        headers: writeHeaders,
        params: nameParams,
        querystring: writeQuery,
        body: bodyOf(patchName(kind), MERGE_PATCH),
        response: answers("WriteAnswer"),
      }),
    },
    async (request, reply) => {
      const { name } = request.params;
      const conditions = readConditions(request);
      const meta = readMeta(request);
      const sealing = await sealBody(request, kind, deps);
      await preparePatch(target, name, request.body);
      const claim = { ...meta.claim, owner: meta.claim.owner ?? patchOwner(request.body) };
      const outcome = await write(deps, {
        ...meta,
        claim,
        secrets: sealing.secrets,
        plan({ snapshot }) {
          const before = existing(snapshot, target, name);
          throwIf(checkConditions(conditions, [etagOf(before.hash)]));
          const sent = patched(before.body, request.body, meta.claim.owner);
          const all = [...sealing.found, ...sent.found];
          const resource = readResource(
            { kind, name, base: snapshot, claim, named: claim.owner },
            { ...sent, found: all },
          );
          const found = [...all, ...untouchedState(before, request.body)];
          return done({ changes: [changeOf(kind, name, resource)], locate: locateOne(kind, name), found });
        },
      });
      return answerWith(reply, target, { ...outcome, name });
    },
  );
}

/** On what stands now; in the write's turn that is the same, or its regular expressions are. */
async function preparePatch({ kind, deps }: Target, name: string, patch: unknown): Promise<void> {
  const before = mapOf(deps.store.head().snapshot, kind).get(name);
  const resource = before === undefined ? null : validateResource(kind, mergePatch(before.body, patch)).resource;
  if (resource !== null) await prepareWrite(deps, [resource], locateOne(kind, name));
}

function answerWith(
  reply: FastifyReply,
  { collection, kind }: Target,
  { answer, snapshot, name }: { answer: Awaited<ReturnType<typeof write>>["answer"]; snapshot: Snapshot; name: string },
): unknown {
  const created = answer.dryRun === undefined && answer.changed[0]?.change === "created";
  if (created) reply.code(201).header("location", `/v1/${collection}/${name}`);
  const resource = mapOf(snapshot, kind).get(name);
  if (resource !== undefined && answer.dryRun === undefined) reply.header("etag", etagOf(resource.hash));
  return answer;
}

function claimed(document: unknown, owner: string | undefined, found: Labelled["found"]): Labelled {
  if (owner === undefined) return { document, found };
  const labelled = labelledOne(document, owner);
  return { ...labelled, found: [...found, ...labelled.found] };
}

function existing(snapshot: Snapshot, { kind, collection }: Target, name: string): Resource {
  const found = mapOf(snapshot, kind).get(name);
  if (found === undefined) throw notFound(collection, name);
  return found;
}

function notFound(collection: Collection, name: string): Problem {
  return new Problem("API-NOT-FOUND", `there is no ${kindOf(collection)} named ${JSON.stringify(name)}`);
}

function throwIf(problem: Problem | null): void {
  if (problem !== null) throw problem;
}

function mapOf(snapshot: Snapshot, kind: Kind): ReadonlyMap<string, Resource> {
  return snapshot[kind] as ReadonlyMap<string, Resource>;
}

function changeOf(kind: Kind, name: string, resource: Resource | null): Change {
  return { kind, name, resource } as Change;
}

/** Names ascending. Sorting 10 000 takes 5 ms: once per model, not once per page. */
function createNames(): (map: ReadonlyMap<string, Resource>) => readonly string[] {
  const known = new WeakMap<ReadonlyMap<string, Resource>, readonly string[]>();
  return (map) => {
    const names = known.get(map) ?? [...map.keys()].sort(compareText);
    known.set(map, names);
    return names;
  };
}

/** As JSON, ascending by name; the cursor is the last name, so that writes between two pages neither repeat nor hide an item. */
function* pageOf(
  map: ReadonlyMap<string, Resource>,
  names: readonly string[],
  { limit, cursor, label = [] }: { limit: number; cursor?: string; label?: readonly string[] },
): Steps<string> {
  const filters = label.map((text) => text.split("=") as [string, string?]);
  const items: string[] = [];
  let last = "";
  for (const [index, name] of names.entries()) {
    if (shouldYield(index)) yield;
    if (cursor !== undefined && name <= cursor) continue;
    const { body } = map.get(name) as Resource;
    if (!filters.every(([key, value]) => hasLabel(body.labels, key, value))) continue;
    if (items.length === limit) return `{"items":[${items.join(",")}],"nextCursor":${JSON.stringify(last)}}`;
    items.push(JSON.stringify(body));
    last = name;
  }
  return `{"items":[${items.join(",")}]}`;
}

function hasLabel(labels: Readonly<Record<string, string>> | undefined, key: string, value?: string): boolean {
  if (labels === undefined || !Object.hasOwn(labels, key)) return false;
  return value === undefined || labels[key] === value;
}
