/** Who may speak to the API. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { Socket } from "node:net";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { isLoopback, splitAddress } from "../util/address.ts";
import { isDocumentation } from "./docsPages.ts";
import { peerOf } from "./peer.ts";
import { Problem } from "./problem.ts";
import { FILES_URL } from "./routes/fleets.ts";
import { REPORT_URL } from "./routes/reports.ts";
import { METRICS_URL, OPEN_URLS } from "./routes/system.ts";

/** Somebody did not show a token that is good for what was asked. */
export interface TokenRefusal {
  /** The client's address and port. */
  readonly peer: string;
  readonly method: string;
  /** The route's pattern, never the URL: strangers choose that. */
  readonly route: string;
  /** `missing`: none was shown. `wrong`: it is none of ours. `scope`: it is good for something else. */
  readonly reason: "missing" | "wrong" | "scope";
}

export interface GuardOptions {
  readonly apiToken: string | undefined;
  /** Good for reading `/metrics`, and for nothing else; the API's own token is good for that too. */
  readonly metricsToken?: string | undefined;
  readonly agentTokens?: readonly AgentToken[] | undefined;
  /** Told of each request of an agent: what it gets may hold secrets. */
  readonly onAgent?: ((request: FastifyRequest) => void) | undefined;
  /** Told of each connection that carried a good token. */
  readonly admitted: (connection: Socket) => void;
  readonly onTokenRefused?: ((refusal: TokenRefusal) => void) | undefined;
}

/** A token for the agents of one fleet, or of all (null). */
export interface AgentToken {
  readonly fleet: string | null;
  readonly token: string;
}

/** A token that is good for a part of the API, and for nothing else. */
interface Scope {
  readonly holds: (token: string) => boolean;
  readonly covers: (request: FastifyRequest) => boolean;
  /** Whether it is for its holders alone where all else is open. Files are not: others get them with references in place of secrets. */
  readonly isExclusive: (request: FastifyRequest) => boolean;
  /** Whether it is an agent's. */
  readonly isAgents: boolean;
  /** What a client is told that shows it elsewhere. */
  readonly text: string;
}

/**
 * With a token: it is required but for probes and the pages that describe the API. Without: only this machine speaks here, and no web
 * page in its browsers may (see below). What is for a part's token alone needs it in either case.
 */
export function guard(app: FastifyInstance, options: GuardOptions): void {
  const { apiToken, admitted, onTokenRefused } = options;
  const api = apiToken === undefined ? null : holds(apiToken);
  const scopes = scopesOf(options);
  app.addHook("onRequest", async (request) => {
    if (OPEN_URLS.has(request.url)) return;
    if (api !== null && isDocumentation(request.routeOptions.url)) return;
    if (api === null) refuseForeign(request);
    const covering = scopes.filter(({ covers }) => covers(request));
    const token = tokenOf(request);
    const own = token === undefined ? undefined : covering.find((scope) => scope.holds(token));
    if (own?.isAgents) options.onAgent?.(request);
    if (token !== undefined && (api?.(token) === true || own !== undefined)) {
      admitted(request.raw.socket);
      return;
    }
    if (api === null && !covering.some(({ isExclusive }) => isExclusive(request))) return;
    const scope = token === undefined ? undefined : scopes.find((each) => each.holds(token));
    const reason = token === undefined ? "missing" : scope === undefined ? "wrong" : "scope";
    const { method, routeOptions } = request;
    onTokenRefused?.({ peer: peerOf(request), method, route: routeOptions.url ?? "none", reason });
    throw new Problem("API-UNAUTHORIZED", scope?.text ?? DETAILS[reason], { headers: CHALLENGE });
  });
}

const DETAILS: Readonly<Record<TokenRefusal["reason"], string>> = {
  missing: "this server needs a bearer token",
  wrong: "the bearer token is not the right one",
  scope: "this bearer token is for something else",
};

function scopesOf({ metricsToken, agentTokens = [] }: GuardOptions): readonly Scope[] {
  const metrics = metricsToken === undefined ? [] : [metricsToken];
  return [
    ...metrics.map((token) => ({
      holds: holds(token),
      covers: isMetrics,
      isExclusive: () => true,
      isAgents: false,
      text: "this bearer token is for GET /metrics only",
    })),
    ...agentTokens.map(({ fleet, token }) => ({
      holds: holds(token),
      covers: (request: FastifyRequest) => isAgents(request, fleet),
      isExclusive: ({ routeOptions }: FastifyRequest) => routeOptions.url !== FILES_URL,
      isAgents: true,
      text: `this bearer token is for agents of ${fleet === null ? "fleets" : `fleet ${fleet}`} only, which get its files and report`,
    })),
  ];
}

const AGENTS_METHODS: Readonly<Record<string, readonly string[]>> = {
  [FILES_URL]: ["GET", "HEAD"],
  [REPORT_URL]: ["PUT", "DELETE"],
};

function isAgents({ method, routeOptions: { url = "" }, params }: FastifyRequest, fleet: string | null): boolean {
  const isOfFleet = fleet === null || (params as { readonly name?: string }).name === fleet;
  return isOfFleet && AGENTS_METHODS[url]?.includes(method) === true;
}

const CHALLENGE = { "www-authenticate": 'Bearer realm="trimtab"' };

function isMetrics({ method, routeOptions }: FastifyRequest): boolean {
  return routeOptions.url === METRICS_URL && (method === "GET" || method === "HEAD");
}

function tokenOf({ headers: { authorization = "" } }: FastifyRequest): string | undefined {
  return /^bearer +(\S+)$/i.exec(authorization)?.[1];
}

/** Hashes are compared, so that neither content nor length shows in the time. */
function holds(expected: string): (token: string) => boolean {
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
function refuseForeign({ headers, method, protocol }: FastifyRequest): void {
  const { host = "", origin } = headers;
  if (!isLoopback(splitAddress(host)?.host ?? "")) {
    throw new Problem(
      "API-FOREIGN-ORIGIN",
      "a server without token answers only under a loopback name, as 127.0.0.1 or localhost",
    );
  }
  if (!SAFE_METHODS.has(method) && origin !== undefined && origin !== `${protocol}://${host}`) {
    throw new Problem("API-FOREIGN-ORIGIN", "web pages of another site may not write");
  }
}
