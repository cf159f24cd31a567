/** For machines that watch machines. */
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Registry } from "prom-client";
import { answers, operation } from "../openapi.ts";
import { noQuery, readyQuery } from "../parameters.ts";
import { Problem } from "../problem.ts";
import type { Deps } from "../writes.ts";

/** URLs that are open without a token: probes carry none, and the answers tell nothing worth hiding. With `?verbose` they do. */
export const OPEN_URLS: ReadonlySet<string> = new Set(["/healthz", "/readyz"]);

/** What scrapers read; they may have a token of their own. */
export const METRICS_URL = "/metrics";

/** Registers `/healthz`, `/readyz` and `/metrics`. */
export function systemRoutes(
  app: FastifyInstance,
  { store, publisher, registry }: Deps & { readonly registry: Registry },
): void {
  const schema = (operationId: string, summary: string, response: object): object =>
    operation("system", summary, { operationId, querystring: noQuery, response });
  const needed = store.head().revision;
  let stopping = false;
  app.addHook("preClose", async () => {
    stopping = true;
  });
  app.get("/healthz", { schema: schema("getHealth", "The process answers", answers("Health")) }, () => ({
    status: "ok",
  }));
  const readySummary = "What was stored at the start is published, and the server is not stopping";
  const readiness = schema("getReadiness", readySummary, answers("Readiness"));
  app.get<{ Querystring: { verbose?: boolean } }>(
    "/readyz",
    { schema: { ...readiness, querystring: readyQuery }, preValidation: readVerbose },
    ({ query: { verbose } }) => {
      const published = publisher.publishedRevision();
      if (stopping) throw new Problem("API-NOT-READY", "the server is stopping");
      if (published < needed)
        throw new Problem("API-NOT-READY", `revision ${published} is published, ${needed} is needed`);
      const fleets = verbose ? { fleets: publisher.statuses() } : {};
      return { status: "ready", revision: store.head().revision, publishedRevision: published, ...fleets };
    },
  );
  app.get(
    METRICS_URL,
    { schema: schema("getMetrics", "Metrics in Prometheus' text format", metricsAnswer) },
    async (_request, reply) => {
      reply.type(registry.contentType);
      return registry.metrics();
    },
  );
}

const metricsAnswer = {
  200: { description: "The metrics.", content: { "text/plain": { schema: { type: "string" } } } },
};

/** `?verbose` and `?verbose=1`, as people write it at a probe, are `true`. */
async function readVerbose({ query }: FastifyRequest<{ Querystring: { verbose?: unknown } }>): Promise<void> {
  if (query.verbose === "" || query.verbose === "1") query.verbose = true;
}
