/** The HTTP client of commands that talk to a server. */
import { readFile } from "node:fs/promises";

/** Which server, and who asks. */
export interface ServerOptions {
  /** As `http://127.0.0.1:8400`. */
  readonly url: string;
  /** File with the bearer token. */
  readonly tokenFile: string | undefined;
}

/** A write may wait for the disk and for other writers; nothing sensible takes longer. */
const REQUEST_TIMEOUT_MS = 60_000;

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** Sends one request. Throws when the server cannot be reached, with its address in the message. */
export async function send(
  server: ServerOptions,
  request: {
    readonly method: string;
    readonly path: string;
    readonly body?: unknown;
    readonly headers?: Record<string, string>;
  },
): Promise<Answer> {
  const headers: Record<string, string> = { accept: "application/json", ...request.headers };
  if (server.tokenFile !== undefined)
    headers.authorization = `Bearer ${(await readFile(server.tokenFile, "utf8")).trim()}`;
  if (request.body !== undefined) headers["content-type"] = "application/json";
  let response: Response;
  try {
    response = await fetch(new URL(request.path, server.url), {
      method: request.method,
      headers,
      body: request.body === undefined ? null : JSON.stringify(request.body),
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
  } catch (error) {
    throw new Error(
      `no answer from ${server.url}: is \`trimtab serve\` running there? (--server or TRIMTAB_SERVER names another)`,
      { cause: error },
    );
  }
  const text = await response.text();
  return { status: response.status, body: text === "" ? null : parse(text) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
