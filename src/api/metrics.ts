/** The API's metrics. */
import type { FastifyInstance } from "fastify";
import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { Deps } from "./writes.ts";

/** Seconds: from an answer out of memory to a whole configuration of 100 000 routes. */
const BUCKETS = [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10];

/** Counts every request by its route's pattern (never by its URL: strangers choose those, and series must stay few). */
export function registerMetrics(
  app: FastifyInstance,
  { store, publisher, registry }: Deps & { registry: Registry },
): void {
  const duration = new Histogram({
    name: "trimtab_http_request_duration_seconds",
    help: "Time from a request's headers to the end of its answer.",
    labelNames: ["method", "route", "status"],
    buckets: BUCKETS,
    registers: [registry],
  });
  app.addHook("onResponse", async ({ method, routeOptions }, reply) => {
    duration.observe({ method, route: routeOptions.url ?? "none", status: reply.statusCode }, reply.elapsedTime / 1000);
  });
  new Gauge({
    name: "trimtab_revision",
    help: "The newest stored revision.",
    registers: [registry],
    collect() {
      this.set(store.head().revision);
    },
  });
  new Counter({
    name: "trimtab_store_write_failures_total",
    help: "Writes that were refused because the disk did not take them.",
    registers: [registry],
    collect() {
      this.reset();
      this.inc(store.writeFailures());
    },
  });
  new Gauge({
    name: "trimtab_published_revision",
    help: "The revision that was last handed to proxies.",
    registers: [registry],
    collect() {
      this.set(publisher.publishedRevision());
    },
  });
}
