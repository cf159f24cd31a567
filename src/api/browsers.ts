/** What is asked of requests, and told to browsers, before anything else. */
import type { FastifyInstance } from "fastify";
import { BROWSER_HEADERS } from "./browserHeaders.ts";
import { Problem } from "./problem.ts";

/** Sets the headers, and refuses what names two hosts: who stands in front of us may have looked at the other one. */
export function guardBrowsers(app: FastifyInstance): void {
  app.addHook("onRequest", async ({ raw }, reply) => {
    reply.headers(BROWSER_HEADERS);
    if (hostFields(raw.rawHeaders) > 1)
      throw new Problem("API-BAD-REQUEST", "the request has more than one Host field");
  });
}

/** Of the fields as they came: Node keeps the first of several. */
function hostFields(rawHeaders: readonly string[]): number {
  return rawHeaders.filter((text, index) => index % 2 === 0 && text.toLowerCase() === "host").length;
}
