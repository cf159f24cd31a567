/** What fleets get, and who has it. */
import { Readable } from "node:stream";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { NoGoodFilesError } from "../../publish/fileOutput.ts";
import type { FleetFiles, Publisher } from "../../publish/types.ts";
import { haveSecrets, type Keeper, openedFiles, pathsOfSecrets } from "../../secrets/index.ts";
import { negotiate } from "../accept.ts";
import { answeredNotModified, etagOf } from "../conditions.ts";
import { filesJson } from "../filesJson.ts";
import { answers, answersIn, contentOf, operation } from "../openapi.ts";
import { filesQuery, nameParams, noQuery, readHeaders } from "../parameters.ts";
import { addressOf, peerOf } from "../peer.ts";
import { createPollers, type Pollers } from "../pollers.ts";
import { Problem } from "../problem.ts";
import { toTar } from "../tar.ts";
import type { Deps } from "../writes.ts";

const JSON_TYPE = "application/json";
const TAR_TYPE = "application/x-tar";
const formats = { json: JSON_TYPE, tar: TAR_TYPE } as const;

/** The path of a fleet's files. */
export const FILES_URL = "/v1/fleets/:name/files";

/** Of an answer with files that are older than the newest revision, because that one's cannot be made. */
const LAST_GOOD = "trimtab-last-good";

/** What these routes are made of. */
export interface FleetDeps extends Deps {
  readonly secrets: Keeper;
  /** Whether the answer to a request may hold secrets. */
  readonly mayOpen: (request: FastifyRequest) => boolean;
  /** Secrets go out, in these files. Must be quick and must not throw. */
  readonly onSecrets?: ((event: FileSecretsEvent) => void) | undefined;
  readonly now?: (() => Date) | undefined;
}

/** An agent's token was shown, and files with secrets are the answer. */
export interface FileSecretsEvent {
  readonly fleet: string;
  readonly peer: string;
  readonly userAgent: string;
  readonly generation: string;
  /** Paths of the files with secrets in them. */
  readonly files: readonly string[];
}

interface Named {
  Params: { name: string };
}

/** Registers `/v1/fleets/{name}/files`, `/v1/fleets/{name}/proxies` and `/v1/fleets/{name}/status`. */
export function fleetRoutes(
  app: FastifyInstance,
  { store, publisher, secrets, mayOpen, onSecrets, now = () => new Date() }: FleetDeps,
): void {
  const pollers = createPollers((fleet) => store.head().snapshot.fleet.has(fleet), now);
  app.get<Named & { Querystring: { format?: keyof typeof formats } }>(
    FILES_URL,
    {
      schema: operation(
        "fleets",
        "Read the rendered files of an nginx or HAProxy fleet (JSON or tar); agents get private keys in them",
        {
          operationId: "getFleetFiles",
          headers: readHeaders,
          params: nameParams,
          querystring: filesQuery,
          response: answersIn(
            { ...contentOf("FleetFiles", [JSON_TYPE]), [TAR_TYPE]: { schema: { type: "string", format: "binary" } } },
            {
              headers: { "Trimtab-Last-Good": { type: "string", description: "Why these are not the newest files." } },
            },
          ),
        },
      ),
    },
    async (request, reply) => {
      const { name } = request.params;
      const { format } = request.query;
      const type = format === undefined ? negotiate(request.headers.accept, [JSON_TYPE, TAR_TYPE]) : formats[format];
      const files = await goodFiles(name);
      const error = publisher.status(name)?.error ?? null;
      if (error !== null) reply.header(LAST_GOOD, `revision ${files.revision}; revision ${error.revision} failed`);
      reply.header("vary", "Accept");
      const { generation, revision } = files;
      const isOpened = mayOpen(request) && haveSecrets(files.files);
      const hadIt = answeredNotModified(request, reply, etagOf(isOpened ? `${generation}-opened` : generation));
      const client = { address: addressOf(request), userAgent: request.headers["user-agent"] ?? "" };
      pollers.note(name, { ...client, generation, revision, hadIt });
      if (hadIt) return reply;
      if (isOpened) {
        reply.header("cache-control", "no-store");
        const { userAgent } = client;
        onSecrets?.({ fleet: name, peer: peerOf(request), userAgent, generation, files: pathsOfSecrets(files.files) });
      }
      const given = isOpened ? { ...files, files: openedFiles(files.files, secrets.open) } : files;
      if (type === JSON_TYPE) return reply.type(JSON_TYPE).send(Readable.from(filesJson(given, error)));
      reply.header("content-disposition", `attachment; filename="${name}-${files.generation}.tar"`);
      return reply.type(TAR_TYPE).send(await toTar(given.files));
    },
  );
  proxiesRoute(app, publisher, pollers);
  statusRoute(app, publisher);

  const goodFiles = async (name: string): Promise<FleetFiles> => {
    try {
      const files = await publisher.files(name);
      if (files !== null) return files;
    } catch (error) {
      if (!(error instanceof NoGoodFilesError)) throw error;
    }
    throw noFiles(name);
  };

  const noFiles = (name: string): Problem => {
    if (!store.head().snapshot.fleet.has(name)) return noSuchFleet(name);
    const error = publisher.status(name)?.error;
    if (error) {
      const detail = `fleet ${name} has no files yet: those of revision ${error.revision} cannot be made (${error.code}: ${error.message})`;
      return new Problem("API-FLEET-FAILED", detail);
    }
    const outputs = publisher.outputs(name);
    if (outputs.length > 0 && !outputs.includes("files"))
      return new Problem("API-NO-FILES", `the proxies of fleet ${name} get their configuration by xDS`);
    return new Problem("API-NOT-READY", `fleet ${name} has not been rendered yet`, { headers: { "retry-after": "1" } });
  };
}

function statusRoute(app: FastifyInstance, publisher: Publisher): void {
  app.get<Named>(
    "/v1/fleets/:name/status",
    {
      schema: operation(
        "fleets",
        "Tell which revision a fleet has, why it has no newer one, and which listeners wait, and why",
        {
          operationId: "getFleetStatus",
          headers: readHeaders,
          params: nameParams,
          querystring: noQuery,
          response: answers("FleetStatus"),
        },
      ),
    },
    ({ params: { name } }) => {
      const status = publisher.status(name);
      if (status === null) throw noSuchFleet(name);
      return status;
    },
  );
}

function proxiesRoute(app: FastifyInstance, publisher: Publisher, pollers: Pollers): void {
  app.get<Named>(
    "/v1/fleets/:name/proxies",
    {
      schema: operation(
        "fleets",
        "List a fleet's proxies: streams of connected Envoys, proxies of agents and of the local run, who fetched files",
        {
          operationId: "listFleetProxies",
          headers: readHeaders,
          params: nameParams,
          querystring: noQuery,
          response: answers("Proxies"),
        },
      ),
    },
    async ({ params: { name } }) => {
      await publisher.caughtUp();
      const streams = publisher.proxies(name);
      if (streams === null) throw noSuchFleet(name);
      return {
        items: [
          ...streams.map((stream) => ({ source: "xds", ...stream })),
          ...publisher.fileProxies(name).map((proxy) => ({ source: "agent", ...proxy })),
          ...pollers.of(name).map((poller) => ({ source: "poll", group: name, ...poller })),
        ],
      };
    },
  );
}

/** Of its name. */
export function noSuchFleet(name: string): Problem {
  return new Problem("API-NOT-FOUND", `there is no fleet named ${JSON.stringify(name)}`);
}
