/** A request in, the rule that takes it and why the others do not out. */
import { Ajv2020 } from "ajv/dist/2020.js";
import type { FastifyInstance } from "fastify";
import type { ExplainRequest, Explanation } from "../../publish/types.ts";
import { MatchTooLongError } from "../../regex/index.ts";
import { didYouMean } from "../../util/didYouMean.ts";
import { pointer } from "../../util/pointer.ts";
import { inSlices, type Pace } from "../../util/slices.ts";
import type { Steps } from "../../util/steps.ts";
import { explainSchema } from "../explainSchema.ts";
import { answers, bodyOf, operation } from "../openapi.ts";
import { noQuery } from "../parameters.ts";
import { Problem } from "../problem.ts";
import type { Deps } from "../writes.ts";

const check = new Ajv2020({
  allErrors: true,
  verbose: true,
  useDefaults: true,
  strictTuples: false,
  // As for parameters: a test's to say.
  validateSchema: false,
}).compile<ExplainRequest>(explainSchema);

/** Registers `/v1/explain`. */
export function explainRoutes(app: FastifyInstance, { store, publisher, pace }: Deps): void {
  const schema = operation("explain", "Tell what a fleet does with a request, and why", {
    operationId: "explain",
    querystring: noQuery,
    body: bodyOf("ExplainRequest", "application/json"),
    response: answers("Explanation"),
  });
  app.post("/v1/explain", { schema }, async ({ body }) => {
    if (!check(body)) throw misshapen();
    await publisher.caughtUp();
    const explanation = await explained(publisher.explain(body), pace);
    if (explanation !== null) return explanation;
    if (store.head().snapshot.fleet.has(body.fleet)) {
      const message = "is not one of the fleet's HTTP and TLS ports, or the fleet has several (then it must be given)";
      throw new Problem("API-INVALID", "no such port", {
        errors: [{ pointer: "/port", code: "API-INVALID", message }],
      });
    }
    throw new Problem(
      "API-NOT-FOUND",
      `there is no fleet named ${JSON.stringify(body.fleet)}${didYouMean(body.fleet, store.head().snapshot.fleet.keys())}`,
    );
  });
}

async function explained(steps: Steps<Explanation | null>, pace: Pace | undefined): Promise<Explanation | null> {
  try {
    return await inSlices(steps, pace);
  } catch (error) {
    if (error instanceof MatchTooLongError)
      throw new Problem("API-TOO-LONG-TO-EXPLAIN", `${error.message}; ask with a shorter one`);
    throw error;
  }
}

function misshapen(): Problem {
  const errors = (check.errors ?? []).map(({ instancePath, message: text = "is not valid", params, parentSchema }) => {
    const below = params.missingProperty ?? params.additionalProperty;
    const known = Object.keys((parentSchema?.properties ?? {}) as object);
    const unknown = `unknown field${didYouMean(String(below), known)}; known here: ${known.join(", ")}`;
    const message = params.additionalProperty === undefined ? text : unknown;
    return { pointer: instancePath + (below === undefined ? "" : pointer(below)), code: "API-INVALID", message };
  });
  return new Problem("API-INVALID", "the document is no request to explain", { errors });
}
