/** For machines that watch machines. */
import type { FastifyInstance } from "fastify";
import type { Registry } from "prom-client";
import { operation } from "../openapi.ts";
import { noQuery, readyQuery } from "../parameters.ts";
import { Problem } from "../problem.ts";
import type { Deps } from "../writes.ts";

/** URLs that are open without a token: probes carry none, and the answers tell nothing worth hiding. With `?verbose` they do. */
export const OPEN_URLS: ReadonlySet<string> = new Set(["/healthz", "/readyz"]);

/** What scrapers read; they may have a token of their own. */
export const METRICS_URL = "/metrics";

/** Registers `/healthz`, `/readyz`, `/metrics` and `/openapi.json`. */
export function systemRoutes(
  app: FastifyInstance,
  { store, publisher, registry }: Deps & { readonly registry: Registry },
): void {
  const status = { 200: { description: "Well." }, 503: { description: "Not yet, or no longer." } };
  const schema = (operationId: string, summary: string): object =>
    operation("system", summary, { operationId, querystring: noQuery, response: status });
  const needed = store.head().revision;
  let stopping = false;
  app.addHook("preClose", async () => {
    stopping = true;
  });
  app.get("/healthz", { schema: schema("getHealth", "The process answers") }, () => ({ status: "ok" }));
  const readiness = schema("getReadiness", "What was stored at the start is published, and the server is not stopping");
  app.get<{ Querystring: { verbose?: string } }>(
    "/readyz",
    { schema: { ...readiness, querystring: readyQuery } },
    ({ query: { verbose } }) => {
      const published = publisher.publishedRevision();
      if (stopping) throw new Problem("API-NOT-READY", "the server is stopping");
      if (published < needed)
        throw new Problem("API-NOT-READY", `revision ${published} is published, ${needed} is needed`);
      const fleets = verbose !== undefined ? { fleets: publisher.statuses() } : {};
      return { status: "ready", revision: store.head().revision, publishedRevision: published, ...fleets };
    },
  );
  app.get(
    METRICS_URL,
    { schema: schema("getMetrics", "Metrics in Prometheus' text format") },
    async (_request, reply) => {
      reply.type(registry.contentType);
      return registry.metrics();
    },
  );
  app.get("/openapi.json", { schema: { ...schema("getOpenApi", "This description"), hide: true } }, () =>
    app.swagger(),
  );
}
