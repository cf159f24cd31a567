/** Who may speak to the API. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { Socket } from "node:net";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { isLoopback, splitAddress } from "../util/address.ts";
import { isDocumentation } from "./docsPages.ts";
import { peerOf } from "./peer.ts";
import { Problem } from "./problem.ts";
import { FILES_URL } from "./routes/fleets.ts";
import { METRICS_URL, OPEN_URLS } from "./routes/system.ts";

/** Somebody did not show a token that is good for what was asked. */
export interface TokenRefusal {
  /** The client's address and port. */
  readonly peer: string;
  readonly method: string;
  /** The route's pattern, never the URL: strangers choose that. */
  readonly route: string;
  /** `missing`: none was shown. `wrong`: it is none of ours. `scope`: it is good for `/metrics`, or for files of fleets, only. */
  readonly reason: "missing" | "wrong" | "scope";
}

export interface GuardOptions {
  readonly apiToken: string | undefined;
  /** Good for reading `/metrics`, and for nothing else; the API's own token is good for that too. */
  readonly metricsToken?: string | undefined;
  /** Good for fetching files of fleets, with their secrets, and for nothing else. */
  readonly deliveryToken?: string | undefined;
  /** Told of each request that may have secrets. */
  readonly onDelivery?: ((request: FastifyRequest) => void) | undefined;
  /** Told of each connection that carried a good token. */
  readonly admitted: (connection: Socket) => void;
  readonly onTokenRefused?: ((refusal: TokenRefusal) => void) | undefined;
}

/**
 * With a token: it is required but for probes and the pages that describe the API. Without: only this machine speaks here, and no web
 * page in its browsers may (see below). With a token for metrics these are read with a token in either case.
 */
export function guard(app: FastifyInstance, options: GuardOptions): void {
  const { apiToken, admitted, onTokenRefused } = options;
  const [api, metrics, delivery] = [apiToken, options.metricsToken, options.deliveryToken].map((token) =>
    token === undefined ? null : holds(token),
  ) as [Holds | null, Holds | null, Holds | null];
  app.addHook("onRequest", async (request) => {
    if (OPEN_URLS.has(request.url)) return;
    if (api !== null && isDocumentation(request.routeOptions.url)) return;
    if (api === null) refuseForeign(request);
    const token = tokenOf(request);
    // A token for one thing counts where that thing is; where everybody may speak, secrets are still for who shows one.
    const readsMetrics = metrics !== null && reads(request, METRICS_URL);
    const fetchesFiles = delivery !== null && reads(request, FILES_URL);
    if (api === null && !readsMetrics && !(fetchesFiles && token !== undefined)) return;
    const delivers = fetchesFiles && token !== undefined && delivery(token);
    if (delivers) options.onDelivery?.(request);
    const isGood = delivers || (token !== undefined && (api?.(token) === true || (readsMetrics && metrics(token))));
    if (isGood) {
      admitted(request.raw.socket);
      return;
    }
    const isOther = token !== undefined && (metrics?.(token) === true || delivery?.(token) === true);
    const reason = token === undefined ? "missing" : isOther ? "scope" : "wrong";
    const { method, routeOptions } = request;
    onTokenRefused?.({ peer: peerOf(request), method, route: routeOptions.url ?? "none", reason });
    throw new Problem("API-UNAUTHORIZED", DETAILS[reason], { headers: CHALLENGE });
  });
}

const DETAILS: Readonly<Record<TokenRefusal["reason"], string>> = {
  missing: "this server needs a bearer token",
  wrong: "the bearer token is not the right one",
  scope: "this bearer token is for something else only: GET /metrics, or the files of fleets",
};

const CHALLENGE = { "www-authenticate": 'Bearer realm="trimtab"' };

function reads({ method, routeOptions }: FastifyRequest, url: string): boolean {
  return routeOptions.url === url && (method === "GET" || method === "HEAD");
}

function tokenOf({ headers: { authorization = "" } }: FastifyRequest): string | undefined {
  return /^bearer +(\S+)$/i.exec(authorization)?.[1];
}

type Holds = (token: string) => boolean;

/** Hashes are compared, so that neither content nor length shows in the time. */
function holds(expected: string): Holds {
  const hash = digest(expected);
  return (token) => timingSafeEqual(digest(token), hash);
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
