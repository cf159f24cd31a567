/**
 * A raw HTTP/1.1 client: sends bytes as they are (bad paths, two Hosts, absolute-form) and reads the answer without
 * changing it. No URL parser, no normalisation, no header folding.
 */
import { connect, type Socket } from "node:net";

/** Where to connect. */
export interface SocketAddress {
  readonly address: string;
  readonly port: number;
}

/** A request. `path` and header values go out byte for byte (latin1). */
export interface RawRequest {
  readonly method?: string | undefined;
  /** The request target as written on the request line. */
  readonly path: string;
  /** Value of the Host field; absent: no Host field at all. */
  readonly host?: string | undefined;
  /** Further fields, in order. A second `Host` may stand here. */
  readonly headers?: readonly (readonly [string, string])[] | undefined;
  readonly body?: string | undefined;
  readonly httpVersion?: "1.0" | "1.1" | undefined;
  /** The client's own (loopback) address; default: what the system chooses. */
  readonly source?: string | undefined;
}

export interface RawResponse {
  readonly status: number;
  readonly reason: string;
  /** As received: names as written, in order. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
  readonly milliseconds: number;
}

/** An answer later than this means the proxy hangs; well over every timeout that a case configures. */
const RESPONSE_DEADLINE_MS = 15_000;
/** No case expects an answer of this size; the reader stops so that a runaway answer cannot fill memory. */
const MAX_RESPONSE_BYTES = 4 * 1024 * 1024;

/** All values of a field, name compared without regard to case. */
export function headerValues(response: RawResponse, name: string): string[] {
  return response.headers.filter(([key]) => key.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
}

/** One request on a connection of its own. Rejects when the connection breaks before a whole answer. */
export async function send(to: SocketAddress, request: RawRequest): Promise<RawResponse> {
  const connection = await openConnection(to, request.source);
  try {
    return await connection.request({ ...request, headers: [...(request.headers ?? []), ["Connection", "close"]] });
  } finally {
    connection.close();
  }
}

/** Bytes as they are, on a connection of their own; reads one answer. */
export async function sendBytes(to: SocketAddress, bytes: string): Promise<RawResponse> {
  const connection = await openConnection(to);
  try {
    return await connection.exchange(bytes, false);
  } finally {
    connection.close();
  }
}

/** A kept-alive connection; one request at a time. */
export interface Connection {
  request(request: RawRequest): Promise<RawResponse>;
  /** Writes the bytes and reads one answer; `headOnly` when the answer has no body whatever its fields say. */
  exchange(bytes: string, headOnly: boolean): Promise<RawResponse>;
  close(): void;
}

/** Connects. */
export async function openConnection(to: SocketAddress, source?: string): Promise<Connection> {
  return connectionOn(await connectTo(to, source));
}

/** The same on a socket that is there. */
export function connectionOn(socket: Socket): Connection {
  let buffered: Buffer = Buffer.alloc(0);
  const exchange = async (bytes: string, headOnly: boolean): Promise<RawResponse> => {
    const started = performance.now();
    socket.write(Buffer.from(bytes, "latin1"));
    const { message, rest } = await readMessage(socket, buffered, headOnly);
    buffered = rest;
    return { ...message, milliseconds: performance.now() - started };
  };
  return {
    request: (request) => exchange(formatRequest(request), request.method === "HEAD"),
    exchange,
    close: () => socket.destroy(),
  };
}

/** Connects a plain TCP socket. Rejects when refused. */
export function connectTo(to: SocketAddress, source?: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const local = source === undefined ? {} : { localAddress: source };
    const socket = connect({ host: to.address, port: to.port, allowHalfOpen: true, noDelay: true, ...local });
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      socket.on("error", () => {});
      resolve(socket);
    });
  });
}

function formatRequest(request: RawRequest): string {
  const { method = "GET", path, host, headers = [], body, httpVersion = "1.1" } = request;
  const fields: (readonly [string, string])[] = [];
  if (host !== undefined) fields.push(["Host", host]);
  fields.push(...headers);
  if (body !== undefined) fields.push(["Content-Length", String(Buffer.byteLength(body, "latin1"))]);
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/${httpVersion}\r\n${lines.join("")}\r\n${body ?? ""}`;
}

interface Parsed {
  readonly message: Omit<RawResponse, "milliseconds">;
  readonly rest: Buffer;
}

function readMessage(socket: Socket, initial: Buffer, headOnly: boolean): Promise<Parsed> {
  return new Promise((resolve, reject) => {
    let data = initial;
    const finish = (settle: () => void): void => {
      clearTimeout(timer);
      socket.off("data", onData);
      socket.off("end", onEnd);
      socket.off("close", onEnd);
      settle();
    };
    const attempt = (ended: boolean): void => {
      let parsed: Parsed | null;
      try {
        parsed = parseMessage(data, { ended, headOnly });
      } catch (error) {
        finish(() => reject(error));
        return;
      }
      if (parsed !== null) finish(() => resolve(parsed));
      else if (ended)
        finish(() => reject(new Error(`connection closed after ${data.length} bytes: ${data.toString("latin1")}`)));
      else if (data.length > MAX_RESPONSE_BYTES) finish(() => reject(new Error("answer is larger than 4 MiB")));
    };
    const onData = (chunk: Buffer): void => {
      data = Buffer.concat([data, chunk]);
      attempt(false);
    };
    const onEnd = (): void => attempt(true);
    const timer = setTimeout(() => {
      finish(() => reject(new Error(`no whole answer in ${RESPONSE_DEADLINE_MS} ms; got: ${data.toString("latin1")}`)));
      socket.destroy();
    }, RESPONSE_DEADLINE_MS);
    socket.on("data", onData);
    socket.on("end", onEnd);
    socket.on("close", onEnd);
  });
}

/** Null: more bytes are needed. Interim answers (1xx other than 101) are skipped. */
function parseMessage(data: Buffer, how: { readonly ended: boolean; readonly headOnly: boolean }): Parsed | null {
  const headEnd = data.indexOf("\r\n\r\n");
  if (headEnd < 0) return null;
  const [statusLine = "", ...fieldLines] = data.toString("latin1", 0, headEnd).split("\r\n");
  const match = /^HTTP\/1\.[01] (\d{3}) ?(.*)$/.exec(statusLine);
  if (match === null) throw new Error(`not an HTTP/1 status line: ${statusLine}`);
  const status = Number(match[1]);
  const afterHead = data.subarray(headEnd + 4);
  if (status < 200 && status !== 101) return parseMessage(afterHead, how);
  const headers = fieldLines.map(splitField);
  const body =
    how.headOnly || status === 204 || status === 304 || status === 101
      ? { text: "", used: 0 }
      : readBody(afterHead, headers, how.ended);
  if (body === null) return null;
  return {
    message: { status, reason: match[2] ?? "", headers, body: body.text },
    rest: Buffer.from(afterHead.subarray(body.used)),
  };
}

function splitField(line: string): readonly [string, string] {
  const colon = line.indexOf(":");
  return [line.slice(0, colon), line.slice(colon + 1).trim()];
}

interface Body {
  readonly text: string;
  readonly used: number;
}

function readBody(data: Buffer, headers: readonly (readonly [string, string])[], ended: boolean): Body | null {
  const field = (name: string): string | undefined => headers.find(([key]) => key.toLowerCase() === name)?.[1];
  if (/chunked/i.test(field("transfer-encoding") ?? "")) return readChunks(data);
  const length = field("content-length");
  if (length !== undefined) {
    const size = Number(length);
    return data.length < size ? null : { text: data.toString("utf8", 0, size), used: size };
  }
  return ended ? { text: data.toString("utf8"), used: data.length } : null;
}

function readChunks(data: Buffer): Body | null {
  const parts: Buffer[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = data.indexOf("\r\n", at);
    if (lineEnd < 0) return null;
    const size = Number.parseInt(data.toString("latin1", at, lineEnd), 16);
    const start = lineEnd + 2;
    if (size === 0) {
      const end = data.indexOf("\r\n", start);
      return end < 0 ? null : { text: Buffer.concat(parts).toString("utf8"), used: end + 2 };
    }
    if (data.length < start + size + 2) return null;
    parts.push(data.subarray(start, start + size));
    at = start + size + 2;
  }
}
