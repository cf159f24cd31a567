/** A request in, the rule that takes it and why the others do not out. */
import { Ajv2020 } from "ajv/dist/2020.js";
import type { FastifyInstance } from "fastify";
import type { ExplainRequest, Explanation } from "../../publish/types.ts";
import { MatchTooLongError } from "../../regex/index.ts";
import { didYouMean } from "../../util/didYouMean.ts";
import { pointer } from "../../util/pointer.ts";
import { inSlices, type Pace } from "../../util/slices.ts";
import type { Steps } from "../../util/steps.ts";
import { answers, operation } from "../openapi.ts";
import { noQuery } from "../parameters.ts";
import { Problem } from "../problem.ts";
import type { Deps } from "../writes.ts";

/** Bounds are far above what people ask about; the proxies take more (60 KiB a line, 1,000 fields). */
export const explainSchema = {
  type: "object",
  additionalProperties: false,
  required: ["fleet", "host", "path"],
  properties: {
    fleet: { type: "string", maxLength: 63, description: "Whose rules." },
    port: {
      type: "integer",
      minimum: 1,
      maximum: 65535,
      description: "Which of its HTTP ports. Default: the only one.",
    },
    method: { type: "string", pattern: "^[A-Z]{1,32}$", default: "GET" },
    host: { type: "string", maxLength: 260, description: "The Host header." },
    path: { type: "string", minLength: 1, maxLength: 8192, description: "The raw path, with query if there is one." },
    headers: {
      type: "array",
      maxItems: 100,
      items: { type: "array", minItems: 2, maxItems: 2, items: { type: "string", maxLength: 8192 } },
      description: "Name and value of each header field.",
      default: [],
    },
    source: { type: "string", maxLength: 45, description: "The client's address, for rules that look at it." },
  },
};

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
    body: explainSchema,
    response: answers("Explanation"),
  });
  app.post("/v1/explain", { schema }, async ({ body }) => {
    if (!check(body)) throw misshapen();
    const explanation = await explained(publisher.explain(body), pace);
    if (explanation !== null) return explanation;
    if (store.head().snapshot.fleet.has(body.fleet)) {
      const message = "is not one of the fleet's HTTP ports, or the fleet has several (then it must be given)";
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
