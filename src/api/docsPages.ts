/**
 * The pages that show the API: `/docs`, and `/openapi.json` for generators of clients. They say nothing of an installation that the
 * program's sources do not say, and may be loaded without a token: a browser's page load carries none (decision 41).
 */
import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { contentHash } from "../util/hash.ts";
import { DOCS_POLICY } from "./browserHeaders.ts";
import { answeredNotModified, etagOf } from "./conditions.ts";
import { type Access, completed, documentHead } from "./openapi/document.ts";
import { noQuery } from "./parameters.ts";
import { Problem } from "./problem.ts";

/** The plugin that serves these pages answers for its own methods. */
export const DOCS = "/docs";
const DOCUMENT = "/openapi.json";

/** Whether a route (as it was registered) is one of these pages. */
export function isDocumentation(route: string | undefined): boolean {
  return route !== undefined && (route === DOCUMENT || route === DOCS || route.startsWith(`${DOCS}/`));
}

/** The token that is typed under "Authorize" stays in the page's memory; the page shows this server's API and no other's. */
const UI = {
  layout: "BaseLayout",
  persistAuthorization: false,
  deepLinking: true,
  displayOperationId: true,
  tryItOutEnabled: true,
};

/** The command that the page would show after a call has the token in it. */
const NO_CURL = { filename: "no-curl.css", content: ".swagger-ui .curl-command { display: none; }" };

/** Registers the pages; routes that are registered after this are described. */
export async function describe(
  app: FastifyInstance,
  { version, access }: { readonly version: string; readonly access: Access },
): Promise<void> {
  await app.register(swagger, {
    openapi: documentHead(version),
    convertConstToEnum: false,
    transformObject: ({ openapiObject }: { openapiObject: never }) => completed(openapiObject, access),
  } as object);
  // Strangers may ask as often as they like: it is made once.
  let document: { readonly text: string; readonly tag: string } | undefined;
  function answer(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    if (document === undefined) {
      const text = JSON.stringify(app.swagger());
      document = { text, tag: etagOf(contentHash(text)) };
    }
    if (answeredNotModified(request, reply, document.tag)) return reply;
    return reply.type("application/json; charset=utf-8").send(document.text);
  }
  app.get(DOCUMENT, { schema: { querystring: noQuery, hide: true } as object }, answer);
  await app.register(swaggerUi, {
    routePrefix: DOCS,
    staticCSP: DOCS_POLICY,
    uiConfig: UI,
    theme: { title: "Trimtab API", ...(access === "token" ? { css: [NO_CURL] } : {}) },
    uiHooks: {
      preHandler(request, reply, done) {
        const { url } = request.routeOptions;
        if (url === `${DOCS}/json`) answer(request, reply);
        // To write it as YAML would hold the server for 140 ms.
        else if (url === `${DOCS}/yaml`) done(new Problem("API-NOT-FOUND", `the description is JSON: ${DOCUMENT}`));
        else done();
      },
    },
  });
}
