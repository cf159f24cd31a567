/** Requests to the control plane. The files of token and authorities are read for each, so that new ones need no restart. */
import { readFile } from "node:fs/promises";
import { Agent as PlainAgent, type RequestOptions, request as requestPlain } from "node:http";
import { request as requestTls, Agent as TlsAgent } from "node:https";
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
  /** PEM: the authorities that are believed, instead of the system's. */
  readonly caFile: string | undefined;
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
  const { server, tokenFile, caFile } = options;
  const isTls = server.protocol === "https:";
  const keeping = { keepAlive: true, maxSockets: MAX_SOCKETS, timeout: TIMEOUT_MS };
  let agent = isTls ? null : new PlainAgent(keeping);
  let tlsAgent: { readonly ca: string | null; readonly agent: TlsAgent } | null = null;

  async function agentNow(): Promise<PlainAgent> {
    if (agent !== null) return agent;
    const ca = caFile === undefined ? null : await readAuthorities(caFile);
    if (tlsAgent === null || tlsAgent.ca !== ca) {
      tlsAgent?.agent.destroy();
      tlsAgent = { ca, agent: new TlsAgent(ca === null ? keeping : { ...keeping, ca }) };
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
      const sent = exchange(server, text, asked).catch((error) => {
        if (!(error instanceof LostConnection)) throw error;
        return exchange(server, text, asked);
      });
      return sent.catch((error: Error) => {
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

async function readAuthorities(file: string): Promise<string> {
  const text = await readFile(file, "utf8");
  // Node takes such a file for "no authority is believed", and every certificate would be refused without a reason.
  if (!text.includes("-----BEGIN CERTIFICATE-----")) throw new Error(`${file} holds no certificate (PEM)`);
  return text;
}

/** A kept connection that the other end had closed. */
class LostConnection extends Error {}

function exchange(server: URL, body: Buffer | undefined, options: RequestOptions): Promise<ClientAnswer> {
  const { hostname, port, protocol } = server;
  const host = hostname.replace(/^\[|\]$/g, "");
  const request = protocol === "https:" ? requestTls : requestPlain;
  return new Promise((resolve, reject) => {
    const sent = request({ ...options, host, port: port === "" ? undefined : port }, (answer) => {
      const parts: Buffer[] = [];
      let size = 0;
      answer.on("data", (part: Buffer) => {
        size += part.length;
        if (size > MAX_ANSWER_BYTES) sent.destroy(new Error(`the answer has more than ${MAX_ANSWER_BYTES} bytes`));
        else parts.push(part);
      });
      answer.on("error", reject);
      answer.on("end", () => {
        const { statusCode = 0, headers, complete } = answer;
        if (!complete) return reject(new Error("the answer ended before its end"));
        try {
          const text = Buffer.concat(parts).toString("utf8");
          const isJson = /\bjson\b/.test(headers["content-type"] ?? "");
          resolve({
            status: statusCode,
            etag: headers.etag ?? null,
            body: text === "" || !isJson ? null : JSON.parse(text),
          });
        } catch {
          reject(new Error("the answer is no JSON"));
        }
      });
    });
    sent.on("error", (error: NodeJS.ErrnoException) => {
      const isLost = sent.reusedSocket && error.code === "ECONNRESET";
      reject(isLost ? new LostConnection(error.message, { cause: error }) : error);
    });
    sent.end(body);
  });
}
