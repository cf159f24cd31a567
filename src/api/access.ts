/** Who may speak to the API. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { Socket } from "node:net";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { isLoopback, splitAddress } from "../util/address.ts";
import { isDocumentation } from "./docsPages.ts";
import { Problem } from "./problem.ts";
import { OPEN_URLS } from "./routes/system.ts";

/**
 * With a token: it is required but for probes and the pages that describe the API, and `admitted` is told of each connection that
 * carried it. Without: only this machine speaks here, and no web page in its browsers may (see below).
 */
export function guard(
  app: FastifyInstance,
  { apiToken, admitted }: { readonly apiToken: string | undefined; readonly admitted: (connection: Socket) => void },
): void {
  const check = apiToken === undefined ? refuseForeign : bearer(apiToken);
  app.addHook("onRequest", async (request) => {
    if (OPEN_URLS.has(request.url)) return;
    if (apiToken !== undefined && isDocumentation(request.routeOptions.url)) return;
    check(request);
    if (apiToken !== undefined) admitted(request.raw.socket);
  });
}

/** Hashes are compared, so that neither content nor length shows in the time. */
function bearer(apiToken: string): (request: FastifyRequest) => void {
  const expected = digest(apiToken);
  return ({ headers: { authorization = "" } }) => {
    const token = /^bearer +(\S+)$/i.exec(authorization)?.[1];
    if (token !== undefined && timingSafeEqual(digest(token), expected)) return;
    const detail = token === undefined ? "this server needs a bearer token" : "the bearer token is not the right one";
    throw new Problem("API-UNAUTHORIZED", detail, { headers: { "www-authenticate": 'Bearer realm="trimtab"' } });
  };
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * A browser on this machine runs pages of strangers. DNS rebinding lets one reach us under its own name: the Host must be a
 * loopback name. A plain cross-site POST needs no permission: a write must not come from another origin.
 */
function refuseForeign({ headers, method }: FastifyRequest): void {
  const { host = "", origin } = headers;
  if (!isLoopback(splitAddress(host)?.host ?? "")) {
    throw new Problem(
      "API-FOREIGN-ORIGIN",
      "a server without token answers only under a loopback name, as 127.0.0.1 or localhost",
    );
  }
  if (!SAFE_METHODS.has(method) && origin !== undefined && origin !== `http://${host}`) {
    throw new Problem("API-FOREIGN-ORIGIN", "web pages of another site may not write");
  }
}
