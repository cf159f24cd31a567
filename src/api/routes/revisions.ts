/** The history. */
import type { FastifyInstance } from "fastify";
import { collectionOf, diffSnapshotsSteps, inState, ownerOf, stateOf } from "../../model/index.ts";
import type { Change, Kind, Snapshot } from "../../model/types.ts";
import type { RevisionInfo, Store } from "../../store/types.ts";
import { inSlices, rest } from "../../util/slices.ts";
import { mapSteps } from "../../util/steps.ts";
import { answeredNotModified, checkConditions, etagOf, readConditions } from "../conditions.ts";
import { locateNone } from "../diagnostics.ts";
import { answers, operation } from "../openapi.ts";
import { noQuery, readHeaders, restoreQuery, revisionParams, revisionsQuery, writeHeaders } from "../parameters.ts";
import { Problem } from "../problem.ts";
import type { SharedTexts } from "../sharedTexts.ts";
import { prepareWrite, readMeta, type WriteDeps, type WriteQuery, write } from "../writes.ts";
import { configJson } from "./config.ts";

interface Numbered {
  Params: { revision: number };
}

/** Registers `/v1/revisions`, `/v1/revisions/{n}` and `/v1/revisions/{n}/restore`. */
export function revisionRoutes(app: FastifyInstance, deps: WriteDeps & { readonly shared: SharedTexts }): void {
  const { store, pace, shared } = deps;
  app.get<{ Querystring: { limit: number; cursor?: number } }>(
    "/v1/revisions",
    {
      schema: operation("revisions", "List revisions, newest first", {
        operationId: "listRevisions",
        headers: readHeaders,
        querystring: revisionsQuery,
        response: answers("RevisionList"),
      }),
    },
    ({ query: { limit, cursor } }) => {
      const items = store.revisions(cursor === undefined ? { limit } : { limit, before: cursor }).map(shown);
      const last = items.at(-1)?.revision ?? 1;
      return last > 1 ? { items, nextCursor: last } : { items };
    },
  );
  app.get<Numbered>(
    "/v1/revisions/:revision",
    {
      schema: operation("revisions", "Read a revision and the configuration as it was", {
        operationId: "getRevision",
        headers: readHeaders,
        params: revisionParams,
        querystring: noQuery,
        response: answers("Revision"),
      }),
    },
    async (request, reply) => {
      const { revision } = request.params;
      const info = store.revision(revision);
      if (info === null) throw notFound(revision);
      const tag = etagOf(`revision-${revision}`);
      if (answeredNotModified(request, reply, tag)) return reply;
      reply.type("application/json; charset=utf-8");
      return shared(tag, reply, async () => {
        // Long lists of changes take their time.
        await rest(pace);
        const config = await inSlices(configJson(await snapshotAt(store, revision)), pace);
        return `${JSON.stringify(shown(info)).slice(0, -1)},"config":${config}}`;
      });
    },
  );
  restoreRoute(app, deps);
}

function restoreRoute(app: FastifyInstance, deps: WriteDeps): void {
  const schema = operation(
    "revisions",
    "Make the configuration what it was at a revision; revision 0 is the empty one. Canaries that are there stay where they stand",
    {
      operationId: "restoreRevision",
      headers: writeHeaders,
      params: revisionParams,
      querystring: restoreQuery,
      response: answers("WriteAnswer"),
    },
  );
  app.post<Numbered & { Querystring: WriteQuery & { scope: "all" | "owner" } }>(
    "/v1/revisions/:revision/restore",
    { schema },
    async (request, reply) => {
      const { revision } = request.params;
      const { scope, owner } = request.query;
      if (scope === "owner" && owner === undefined)
        throw new Problem("API-BAD-REQUEST", "`scope=owner` needs `owner`: whose resources are to be restored");
      const conditions = readConditions(request);
      const target = await snapshotAt(deps.store, revision);
      await prepareWrite(deps, [...target.route.values()], locateNone);
      const { answer } = await write(deps, {
        ...readMeta(request, `restore revision ${revision}`),
        *plan(head) {
          const problem = checkConditions(conditions, [etagOf(head.revision)]);
          if (problem !== null) throw problem;
          const changes = yield* diffSnapshotsSteps(head.snapshot, target);
          const wanted = scope === "all" ? changes : changesOf(changes, head.snapshot, owner);
          return { changes: yield* mapSteps(wanted, withState), locate: locateNone };
        },
      });
      if (answer.dryRun === undefined) reply.header("etag", etagOf(answer.revision));
      return answer;
    },
  );
}

/** A canary as it stood then, also at its first step, so that the answer can say that it does not come back to there. */
function withState(change: Change): Change {
  if (change.kind !== "canary" || change.resource === null) return change;
  const { body } = change.resource;
  return { ...change, resource: inState(body, stateOf(body)) };
}

/** The changes to what is the owner's, or is to be. */
function changesOf(changes: readonly Change[], snapshot: Snapshot, owner: string | undefined): readonly Change[] {
  return changes.filter(({ kind, name, resource }) =>
    [snapshot[kind].get(name), resource].some((either) => ownerOf(either) === owner),
  );
}

function shown({ changes, ...info }: RevisionInfo): Record<string, unknown> & { revision: number } {
  const resource = (kind: string, name: string): string => `${collectionOf(kind as Kind)}/${name}`;
  return { ...info, changes: changes.map(({ kind, name, change }) => ({ resource: resource(kind, name), change })) };
}

async function snapshotAt(store: Store, revision: number): Promise<Snapshot> {
  const snapshot = await store.snapshotAt(revision);
  if (snapshot === null) throw notFound(revision);
  return snapshot;
}

function notFound(revision: number): Problem {
  return new Problem("API-NOT-FOUND", `there is no revision ${revision}`);
}
