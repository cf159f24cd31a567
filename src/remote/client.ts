/** Requests to the control plane. The files of token and authorities are read for each, so that new ones need no restart. */
import { Agent as PlainAgent, type RequestOptions } from "node:http";
import { Agent as TlsAgent } from "node:https";
import { isDeepStrictEqual } from "node:util";
import { type ClientTls, type ClientTlsFiles, readClientTls } from "../util/clientTls.ts";
import { type Exchanged, exchange, LostConnection } from "../util/exchange.ts";
import { readTokenFile } from "../util/tokenFile.ts";

/** Files of a fleet: a model of the largest size renders to a third of this. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
/** The files of a large fleet may have to be rendered first, on a machine that has other work. */
const TIMEOUT_MS = 60_000;
/** One request of a fleet at a time: of eight fleets none waits. */
const MAX_SOCKETS = 8;

export interface ClientOptions {
  /** `http:` or `https:`; a path is a prefix. */
  readonly server: URL;
  readonly tokenFile: string | undefined;
  readonly tlsFiles: ClientTlsFiles;
  readonly userAgent: string;
}

export interface ClientRequest {
  readonly method: "GET" | "PUT" | "DELETE";
  /** From `/` on. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

export interface ClientAnswer {
  readonly status: number;
  readonly etag: string | null;
  /** Parsed; null: there is none. */
  readonly body: unknown;
}

export interface Client {
  /** Rejects when no whole answer comes in time, or one that is no JSON. */
  send(request: ClientRequest): Promise<ClientAnswer>;
  /** Connections that wait for more are closed. */
  close(): void;
}

/** Connects when it is asked. */
export function createClient(options: ClientOptions): Client {
  const { server, tokenFile, tlsFiles } = options;
  const isTls = server.protocol === "https:";
  const keeping = { keepAlive: true, maxSockets: MAX_SOCKETS, timeout: TIMEOUT_MS };
  let agent = isTls ? null : new PlainAgent(keeping);
  let tlsAgent: { readonly tls: ClientTls; readonly agent: TlsAgent } | null = null;

  async function agentNow(): Promise<PlainAgent> {
    if (agent !== null) return agent;
    const tls = await readClientTls(tlsFiles);
    if (tlsAgent === null || !isDeepStrictEqual(tlsAgent.tls, tls)) {
      tlsAgent?.agent.destroy();
      tlsAgent = { tls, agent: new TlsAgent({ ...keeping, ...tls }) };
    }
    return tlsAgent.agent;
  }

  return {
    async send({ method, path, headers = {}, body, signal }) {
      const text = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
      const token = tokenFile === undefined ? undefined : await readTokenFile(tokenFile);
      const limit = AbortSignal.timeout(TIMEOUT_MS);
      const asked: RequestOptions = {
        method,
        path: server.pathname.replace(/\/+$/, "") + path,
        agent: await agentNow(),
        signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
        headers: {
          accept: "application/json",
          "user-agent": options.userAgent,
          ...headers,
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(text === undefined ? {} : { "content-type": "application/json", "content-length": text.length }),
        },
      };
      // A kept connection may be closed by the other end just then; all requests here may be made twice.
      const sent = exchange(server, asked, { body: text, maximum: MAX_ANSWER_BYTES }).catch((error) => {
        if (!(error instanceof LostConnection)) throw error;
        return exchange(server, asked, { body: text, maximum: MAX_ANSWER_BYTES });
      });
      return sent.then(parsed).catch((error: Error) => {
        throw new Error(`no answer from ${server.origin}: ${limit.aborted ? TOO_LATE : wordsOf(error)}`, {
          cause: error,
        });
      });
    },
    close() {
      agent?.destroy();
      tlsAgent?.agent.destroy();
      [agent, tlsAgent] = [isTls ? null : new PlainAgent(keeping), null];
    },
  };
}

const TOO_LATE = `waited ${TIMEOUT_MS / 1000} s`;

/** Of a name with several addresses the error has no words of its own. */
function wordsOf({ message, code }: NodeJS.ErrnoException): string {
  return message === "" ? (code ?? "it cannot be reached") : message;
}

function parsed({ status, etag, type, text }: Exchanged): ClientAnswer {
  try {
    return { status, etag, body: text === "" || !/\bjson\b/.test(type) ? null : JSON.parse(text) };
  } catch {
    throw new Error("the answer is no JSON");
  }
}
