/** The HTTP client of commands that talk to a server. */
import { constants } from "node:buffer";
import { type ClientTlsFiles, readClientTls } from "../util/clientTls.ts";
import { exchange } from "../util/exchange.ts";
import { readTokenFile } from "../util/tokenFile.ts";

/** Which server, and who asks. */
export interface ServerOptions {
  /** As `http://127.0.0.1:8400`; a path is kept as a prefix. */
  readonly url: string;
  /** File with the bearer token. */
  readonly tokenFile: string | undefined;
  /** Whom to believe over https, and what to show. */
  readonly tls: ClientTlsFiles;
}

/** A write may wait for the disk and for other writers; nothing sensible takes longer. */
const REQUEST_TIMEOUT_MS = 60_000;
/** More of what an unknown server says helps nobody. */
const MAX_QUOTED_CHARACTERS = 200;

/** Status, entity tag and parsed body (text when it is no JSON). */
export interface Answer {
  readonly status: number;
  readonly etag: string | null;
  readonly body: unknown;
}

/** What commands send. */
export interface ServerRequest {
  readonly method: string;
  /** From `/` on. */
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A problem document (RFC 9457) as far as commands read it. */
export interface ServerProblem {
  readonly title?: string;
  readonly detail?: string;
  readonly errors?: readonly ServerItem[];
  readonly errorsOmitted?: number;
}

/** A problem or warning in what was sent, or (with `resource`, as `routes/api`) in what the server holds. */
export interface ServerItem {
  readonly code: string;
  readonly pointer: string;
  readonly message: string;
  readonly resource?: string;
  readonly fleet?: string;
  readonly proxy?: string;
}

/** Sends one request. Throws, with the server's address in the message, when no answer comes. */
export async function send(server: ServerOptions, request: ServerRequest): Promise<Answer> {
  const url = urlOf(server);
  const headers: Record<string, string | number> = { accept: "application/json", ...encoded(request.headers ?? {}) };
  if (server.tokenFile !== undefined) headers.authorization = `Bearer ${await readTokenFile(server.tokenFile)}`;
  const tls = await readClientTls(server.tls);
  const body = request.body === undefined ? undefined : Buffer.from(JSON.stringify(request.body));
  if (body !== undefined) {
    headers["content-type"] = "application/json";
    headers["content-length"] = body.length;
  }
  const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
  const path = url.pathname.replace(/\/+$/, "") + request.path;
  const asked = { method: request.method, path, headers, signal, agent: false, ...tls };
  try {
    const { status, etag, text } = await exchange(url, asked, { body, maximum: constants.MAX_STRING_LENGTH });
    return { status, etag, body: text === "" ? null : parse(text) };
  } catch (error) {
    const reason = signal.aborted ? `waited ${REQUEST_TIMEOUT_MS / 1000} s` : reasonOf(error);
    throw new Error(
      `no answer from ${server.url} (${reason}): is \`trimtab serve\` running there? (--server or TRIMTAB_SERVER names another)`,
      { cause: error },
    );
  }
}

/** One line about an answer that is not what was asked for. */
export function refusalText({ status, body }: Answer): string {
  if (!isObject(body) || !("title" in body || "detail" in body)) {
    const quoted = typeof body === "string" ? body.replace(/\s+/g, " ").slice(0, MAX_QUOTED_CHARACTERS) : "";
    return `the server answered ${status}, not as Trimtab does${quoted === "" ? "" : `: ${quoted}`}`;
  }
  const { title, detail, errors = [] } = body as ServerProblem;
  const items = errors.map(({ pointer, message }) => `${pointer || "/"} ${message}`);
  return `the server answered ${status}: ${[title, detail, ...items].filter(Boolean).join(": ")}`;
}

/** The objects of a list that an answer must have. Throws one line for a person when it says something else. */
export function listIn(answer: Answer, name: string): readonly Readonly<Record<string, unknown>>[] {
  const list = isObject(answer.body) ? answer.body[name] : undefined;
  if (!Array.isArray(list) || !list.every(isObject)) throw new Error(refusalText(answer));
  return list;
}

/** Whether a body is a JSON object. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

function urlOf(server: ServerOptions): URL {
  const url = URL.parse(server.url);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new Error(`${server.url} is not the URL of a server; write it as http://127.0.0.1:8400`);
  return url;
}

/** Header values travel as UTF-8; `node:http` takes each character for a byte. */
function encoded(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Buffer.from(value, "utf8").toString("latin1")]),
  );
}

/** A certificate that is not believed is a trouble of its own: there is a server. */
function reasonOf(error: unknown): string {
  const { message, code } = error as NodeJS.ErrnoException;
  const isUnknown = /^(UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|CERT_)/.test(code ?? "");
  return isUnknown ? `${code}: --ca names the authorities that are believed` : (code ?? message);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
