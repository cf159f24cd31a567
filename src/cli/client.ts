/** The HTTP client of commands that talk to a server. */
import { readTokenFile } from "../util/tokenFile.ts";

/** Which server, and who asks. */
export interface ServerOptions {
  /** As `http://127.0.0.1:8400`; a path is kept as a prefix. */
  readonly url: string;
  /** File with the bearer token. */
  readonly tokenFile: string | undefined;
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
  const url = urlOf(server, request.path);
  const headers: Record<string, string> = { accept: "application/json", ...encoded(request.headers ?? {}) };
  if (server.tokenFile !== undefined) headers.authorization = `Bearer ${await readTokenFile(server.tokenFile)}`;
  if (request.body !== undefined) headers["content-type"] = "application/json";
  try {
    const response = await fetch(url, {
      method: request.method,
      headers,
      body: request.body === undefined ? null : JSON.stringify(request.body),
      // A token is for the server that was named, not for one that it points to.
      redirect: "manual",
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
    const text = await response.text();
    return { status: response.status, etag: response.headers.get("etag"), body: text === "" ? null : parse(text) };
  } catch (error) {
    throw new Error(
      `no answer from ${server.url} (${reasonOf(error)}): is \`trimtab serve\` running there? (--server or TRIMTAB_SERVER names another)`,
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

function urlOf(server: ServerOptions, path: string): string {
  const url = URL.parse(server.url);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new Error(`${server.url} is not the URL of a server; write it as http://127.0.0.1:8400`);
  return `${url.origin}${url.pathname.replace(/\/+$/, "")}${path}`;
}

/** Header values travel as UTF-8; `fetch` takes each character for a byte. */
function encoded(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Buffer.from(value, "utf8").toString("latin1")]),
  );
}

function reasonOf(error: unknown): string {
  const { name, message, cause } = error as Error & { readonly cause?: NodeJS.ErrnoException };
  if (name === "TimeoutError") return `waited ${REQUEST_TIMEOUT_MS / 1000} s`;
  return cause?.code ?? cause?.message ?? message;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
