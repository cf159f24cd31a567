/** Where a canary stands: a resource of its own, for no write of the canary moves it. */
import type { FastifyInstance } from "fastify";
import { inState, stateOf, validateResource } from "../../model/index.ts";
import type { Resource, Snapshot } from "../../model/types.ts";
import { done } from "../../util/steps.ts";
import { answeredNotModified, checkConditions, etagOf, readConditions } from "../conditions.ts";
import { locateNone, locateOne, refusal } from "../diagnostics.ts";
import { answers, bodyOf, operation } from "../openapi.ts";
import { nameParams, noQuery, readHeaders, writeHeaders, writeQuery } from "../parameters.ts";
import { Problem } from "../problem.ts";
import { readMeta, type WriteDeps, write } from "../writes.ts";

const PATH = "/v1/canaries/:name/state";
const TAG = "canaries";

interface Named {
  Params: { name: string };
}

/** Registers `/v1/canaries/{name}/state`. */
export function canaryStateRoutes(app: FastifyInstance, deps: WriteDeps): void {
  app.get<Named>(
    PATH,
    {
      schema: operation(TAG, "Read where a canary stands", {
        operationId: "getCanaryState",
        headers: readHeaders,
        params: nameParams,
        querystring: noQuery,
        response: answers("canaryState"),
      }),
    },
    (request, reply) => {
      const { body, hash } = existing(deps.store.head().snapshot, request.params.name);
      return answeredNotModified(request, reply, etagOf(hash)) ? reply : stateOf(body);
    },
  );
  app.put<Named>(
    PATH,
    {
      schema: operation(TAG, "Move a canary to a step", {
        operationId: "putCanaryState",
        headers: writeHeaders,
        params: nameParams,
        querystring: writeQuery,
        body: bodyOf("canaryState", "application/json"),
        response: answers("WriteAnswer"),
      }),
    },
    async (request, reply) => {
      const { name } = request.params;
      const conditions = readConditions(request);
      const { answer, snapshot } = await write(deps, {
        ...readMeta(request),
        plan(head) {
          const before = existing(head.snapshot, name);
          const failed = checkConditions(conditions, [etagOf(before.hash)]);
          if (failed !== null) throw failed;
          const resource = moved(before, request.body);
          const changes = [{ kind: "canary", name, resource }] as const;
          return done({ changes, locate: locateOne("canary", name), setsState: true });
        },
      });
      if (answer.dryRun === undefined) reply.header("etag", etagOf(existing(snapshot, name).hash));
      return answer;
    },
  );
}

/** The canary in the state that was sent, or every problem of that; pointers are into the state. */
function moved({ body }: Resource<"canary">, state: unknown): Resource<"canary"> {
  const { diagnostics } = validateResource("canary", { ...body, state: state ?? null });
  const misshapen = diagnostics.map((found) => ({ ...found, pointer: found.pointer.replace(/^\/state/, "") }));
  const problem = refusal(misshapen, locateNone);
  if (problem !== null) throw problem;
  const next = inState(body, state as NonNullable<typeof body.state>);
  const { step } = stateOf(next.body);
  const count = body.steps.length;
  if (step < count) return next;
  const message = `there ${count === 1 ? "is only 1 step" : `are only ${count} steps`}, counted from 0`;
  throw refusal([{ code: "MODEL-CANARY", severity: "error", message, pointer: "/step" }], locateNone) as Problem;
}

function existing(snapshot: Snapshot, name: string): Resource<"canary"> {
  const found = snapshot.canary.get(name);
  if (found === undefined) throw new Problem("API-NOT-FOUND", `there is no canary named ${JSON.stringify(name)}`);
  return found;
}
