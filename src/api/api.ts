/** The API, put together. */
import type { Server } from "node:http";
import type { Server as TlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import {
  type FastifyBaseLogger,
  type FastifyHttpOptions,
  type FastifyInstance,
  type FastifyRequest,
  fastify,
  LogController,
} from "fastify";
import type { Registry } from "prom-client";
import { createScale, type Scale } from "../model/index.ts";
import type { Publisher } from "../publish/types.ts";
import type { Keeper } from "../secrets/index.ts";
import type { Store } from "../store/types.ts";
import { isLoopback, splitAddress } from "../util/address.ts";
import { contentHashSteps } from "../util/hash.ts";
import { inSlices, type Pace } from "../util/slices.ts";
import { negotiate } from "./accept.ts";
import { type AgentToken, guard, type TokenRefusal } from "./access.ts";
import { createBodies } from "./bodies/bodies.ts";
import { guardBrowsers } from "./browsers.ts";
import { etagOf, hasAlready } from "./conditions.ts";
import { boundConnections, closeUnread } from "./connections.ts";
import { DOCS, describe } from "./docsPages.ts";
import { handleClientError, handleError } from "./errorHandler.ts";
import { createJudges } from "./judges.ts";
import { CLOSE_GRACE_MS, defaultLimits, type Limits } from "./limits.ts";
import { registerMetrics } from "./metrics.ts";
import type { Access } from "./openapi/document.ts";
import { noSuchPath, parameterError } from "./parameterErrors.ts";
import { compileSchema } from "./parameters.ts";
import { Problem, sendProblem } from "./problem.ts";
import { canaryStateRoutes } from "./routes/canaryState.ts";
import { certificateRoutes } from "./routes/certificates.ts";
import { collectionRoutes } from "./routes/collections.ts";
import { configRoutes } from "./routes/config.ts";
import { explainRoutes } from "./routes/explain.ts";
import { type FileSecretsEvent, fleetRoutes } from "./routes/fleets.ts";
import { reportRoutes } from "./routes/reports.ts";
import { revisionRoutes } from "./routes/revisions.ts";
import { systemRoutes } from "./routes/system.ts";
import { createSharedTexts } from "./sharedTexts.ts";
import { type ApiTls, openTls, type TlsOptions } from "./tls.ts";
import { takeTurns } from "./turns.ts";
import type { WriteEvent } from "./writes.ts";

type ServerOptions = FastifyHttpOptions<Server>;

export interface ApiOptions {
  readonly store: Store;
  readonly publisher: Publisher;
  /** Seals what documents hold. */
  readonly secrets: Keeper;
  /** Where metrics are registered and read from. */
  readonly registry: Registry;
  /** Required from every client when given. */
  readonly apiToken?: string | undefined;
  /** Good for reading `/metrics` and nothing else. */
  readonly metricsToken?: string | undefined;
  /** Each good for what an agent of its fleet does, and for nothing else. */
  readonly agentTokens?: readonly AgentToken[] | undefined;
  /** Told of defects. Default: nobody is. */
  readonly logger?: FastifyBaseLogger | undefined;
  /** A write was stored. Must be quick and must not throw. */
  readonly onWrite?: ((event: WriteEvent) => void) | undefined;
  /** As `onWrite`; strangers cause these at will. */
  readonly onTokenRefused?: ((refusal: TokenRefusal) => void) | undefined;
  /** As `onWrite`. */
  readonly onSecrets?: ((event: FileSecretsEvent) => void) | undefined;
  /** Default: plaintext. */
  readonly tls?: TlsOptions | undefined;
  /** Told in OpenAPI. */
  readonly version?: string | undefined;
  /** What OpenAPI says of tokens. Default: whether there is an `apiToken`. */
  readonly access?: Access | undefined;
  readonly limits?: Partial<Limits> | undefined;
  /** How large the model may be. Default: as with the default memory. */
  readonly scale?: Scale | undefined;
  /** Default: the system's clock. */
  readonly now?: (() => Date) | undefined;
  /** How long work is sliced. Default: the process's own. */
  readonly pace?: Pace | undefined;
}

export interface Api {
  /** For tests (`inject`). */
  readonly app: FastifyInstance;
  /** `127.0.0.1:8400`; resolves to the address in use. Throws on an address beyond this machine when there is no token. */
  listen(address: string): Promise<string>;
  /** Lets what runs finish, for CLOSE_GRACE_MS at most. */
  close(): Promise<void>;
}

/** Builds the API; nothing listens yet. Throws TlsFilesError. */
export async function createApi(options: ApiOptions): Promise<Api> {
  const limits = { ...defaultLimits, ...options.limits };
  const tls = await openTls(options.tls, options.registry);
  const app = fastify(serverOptions(options, limits, tls));
  takeTurns(app.server);
  const admitted = boundConnections(app.server, { maximum: limits.connections, registry: options.registry });
  closeUnread(app);
  app.removeAllContentTypeParsers();
  const bodies = createBodies(app, { resourceBytes: limits.resourceBodyBytes, pace: options.pace });
  bodies.take(app, ["application/json"], "json");
  app.setValidatorCompiler(compileSchema as Parameters<typeof app.setValidatorCompiler>[0]);
  app.setSerializerCompiler(() => (value) => JSON.stringify(value));
  app.setSchemaErrorFormatter(parameterError);
  app.setErrorHandler(handleError);
  app.setNotFoundHandler((request, reply) => sendProblem(reply, new Problem("API-NOT-FOUND", noSuchPath(request.url))));
  guardBrowsers(app);
  const ofAgents = new WeakSet<FastifyRequest>();
  guard(app, { ...options, apiToken: options.apiToken, admitted, onAgent: (request) => ofAgents.add(request) });
  requireJson(app);
  tagAnswers(app, options.pace);
  const refuseOtherMethods = collectMethods(app);
  const { version = "0", apiToken } = options;
  await describe(app, { version, access: options.access ?? (apiToken === undefined ? "open" : "token") });
  registerMetrics(app, options);
  const scale = options.scale ?? createScale();
  const writing = {
    ...options,
    bodies,
    shared: createSharedTexts(),
    judges: createJudges({ publisher: options.publisher, scale }),
    scale,
    now: options.now ?? (() => new Date()),
  };
  collectionRoutes(app, writing);
  canaryStateRoutes(app, writing);
  certificateRoutes(app, options);
  configRoutes(app, { ...writing, limits });
  revisionRoutes(app, writing);
  fleetRoutes(app, { ...options, mayOpen: (request) => ofAgents.has(request) });
  reportRoutes(app, options);
  explainRoutes(app, options);
  systemRoutes(app, options);
  app.after(refuseOtherMethods);
  await app.ready();
  // With the options of TLS it is a server of node:https, which fastify's types tell apart and its users need not.
  const detach = tls?.attach(app.server as unknown as TlsServer);
  return {
    app,
    listen: (address) => listen(app, address, options.apiToken),
    close() {
      detach?.();
      return close(app);
    },
  };
}

function serverOptions({ logger }: ApiOptions, limits: Limits, tls: ApiTls | null): ServerOptions {
  const http = {
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.headersTimeoutMs,
    connectionsCheckingInterval: limits.timeoutCheckMs,
  };
  return {
    ...(logger === undefined ? { logger: false } : { loggerInstance: logger }),
    bodyLimit: limits.resourceBodyBytes,
    requestTimeout: limits.requestTimeoutMs,
    connectionTimeout: limits.idleTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    ...(tls === null ? { http } : { https: { ...tls.server, ...http } }),
    clientErrorHandler: handleClientError as NonNullable<ServerOptions["clientErrorHandler"]>,
    forceCloseConnections: "idle",
    logController: new LogController({ disableRequestLogging: true }),
    frameworkErrors: handleError as NonNullable<ServerOptions["frameworkErrors"]>,
  };
}

/** These paths choose among several formats by themselves. */
const NEGOTIATING: ReadonlySet<string> = new Set(["/v1/config", "/v1/fleets/:name/files"]);

/** The others have JSON only: a client that cannot read it is told before anything happens. */
function requireJson(app: FastifyInstance): void {
  app.addHook("onRequest", async ({ routeOptions: { url = "" }, headers }) => {
    if (url.startsWith("/v1/") && !NEGOTIATING.has(url)) negotiate(headers.accept, ["application/json"]);
  });
}

/** Answers of `/v1` that have no ETag of their own get the hash of their bytes. */
function tagAnswers(app: FastifyInstance, pace: Pace | undefined): void {
  app.addHook("onSend", async (request, reply, payload) => {
    const readable = request.method === "GET" || request.method === "HEAD";
    if (!readable || reply.statusCode !== 200 || reply.hasHeader("etag") || typeof payload !== "string") return payload;
    if (!request.url.startsWith("/v1/")) return payload;
    const etag = etagOf(await inSlices(contentHashSteps(payload), pace));
    reply.header("etag", etag);
    if (!hasAlready(request, etag)) return payload;
    reply.code(304);
    return "";
  });
}

/** Remembers which methods each path has; the function that it gives answers 405 for the rest. */
function collectMethods(app: FastifyInstance): () => void {
  const methods = new Map<string, Set<string>>();
  app.addHook("onRoute", ({ url, method }) => {
    const known = methods.get(url) ?? new Set();
    for (const name of [method].flat()) known.add(name);
    methods.set(url, known);
  });
  return () => {
    for (const [url, known] of [...methods]) {
      if (url.startsWith(DOCS)) continue;
      const allow = [...known].sort().join(", ");
      const others = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"].filter(
        (method) => !known.has(method),
      );
      const refuse = async (): Promise<never> => {
        throw new Problem("API-METHOD-NOT-ALLOWED", `this path takes ${allow}`, { headers: { allow } });
      };
      // In onRequest: the body's type and size do not matter any more.
      if (others.length > 0)
        app.route({ method: others, url, schema: { hide: true } as object, onRequest: refuse, handler: refuse });
    }
  };
}

async function listen(app: FastifyInstance, address: string, apiToken: string | undefined): Promise<string> {
  const target = splitAddress(address);
  if (target === null)
    throw new Error(`${address} is no address to listen on; write it as 127.0.0.1:8400 or [::1]:8400`);
  if (apiToken === undefined && !isLoopback(target.host)) {
    throw new Error(`listening on ${address}, which other machines can reach, needs an API token`);
  }
  const host = target.host === "localhost" ? "127.0.0.1" : target.host;
  await app.listen({ host, port: target.port });
  const bound = app.server.address() as AddressInfo;
  return bound.family === "IPv6" ? `[${bound.address}]:${bound.port}` : `${bound.address}:${bound.port}`;
}

async function close(app: FastifyInstance): Promise<void> {
  const timer = setTimeout(() => app.server.closeAllConnections(), CLOSE_GRACE_MS);
  await app.close();
  clearTimeout(timer);
}
