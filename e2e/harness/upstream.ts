/** Echo upstreams: HTTP servers that tell what they received, and a TCP server that sends every byte back. */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Socket, type Server as TcpServer } from "node:net";

/** What an echo upstream answers, as JSON. */
export interface Echo {
  /** The upstream's name. */
  readonly name: string;
  readonly method: string;
  /** The request target as received. */
  readonly path: string;
  /** Fields as received, in order. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

export interface Upstream {
  readonly name: string;
  readonly port: number;
  /** Requests (or connections) seen so far. */
  readonly seen: () => number;
  /** From now on every request without `x-e2e` behaviour is answered with this status. */
  readonly setStatus: (status: number) => void;
  /** From now on every answer comes this much later (milliseconds). */
  readonly setDelay: (milliseconds: number) => void;
  readonly close: () => Promise<void>;
}

/**
 * An HTTP upstream on 127.0.0.1. The request field `x-e2e` asks for a behaviour:
 * `hang` (no answer), `reset` (connection reset before any answer), `garbage` (not HTTP), `badfield` (a status line, then a
 * line that is no field), `status=418`,
 * `slow=300` (ms before the answer), `trickle=50x10` (headers at once, then 10 body bytes, one every 50 ms),
 * `reply=Name: value` (a response field; may be repeated). Whatever it is, the request counts as seen.
 */
export async function startEcho(name: string, port = 0): Promise<Upstream> {
  let seen = 0;
  let standing = 200;
  let delay = 0;
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    seen += 1;
    readBody(request)
      .then((body) => answer({ name, standing, delay, body }, request, response))
      .catch(() => response.destroy());
  });
  // Switches to whatever was asked for (with the accept key of RFC 6455), then sends every byte back.
  server.on("upgrade", (request, socket) => {
    seen += 1;
    socket.on("error", () => {});
    const key = `${request.headers["sec-websocket-key"] ?? ""}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
    const accept = createHash("sha1").update(key).digest("base64");
    const fields = `Connection: Upgrade\r\nUpgrade: ${request.headers.upgrade}\r\nSec-WebSocket-Accept: ${accept}\r\n`;
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${fields}\r\n`);
    socket.pipe(socket);
  });
  await listen(server, port);
  return {
    name,
    port: (server.address() as AddressInfo).port,
    seen: () => seen,
    setStatus: (status) => {
      standing = status;
    },
    setDelay: (milliseconds) => {
      delay = milliseconds;
    },
    close: () => closeHttp(server),
  };
}

/** A TCP upstream: greets with its name and a newline, sends bytes back, and ends its side only after the client has. */
export async function startTcpEcho(name: string, port = 0): Promise<Upstream> {
  let seen = 0;
  const sockets = new Set<Socket>();
  const server = createTcpServer({ allowHalfOpen: true }, (socket) => {
    seen += 1;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    socket.write(`${name}\n`);
    socket.on("data", (chunk) => socket.write(chunk));
    // A little later, so that a proxy that closes both sides at the client's FIN loses these bytes and is caught.
    socket.on("end", () => setTimeout(() => socket.end("after half-close\n"), 200));
  });
  await listen(server, port);
  return {
    name,
    port: (server.address() as AddressInfo).port,
    seen: () => seen,
    setStatus: notHttp,
    setDelay: notHttp,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

function notHttp(): never {
  throw new Error("a TCP upstream sends no answers");
}

interface Situation {
  readonly name: string;
  readonly standing: number;
  readonly delay: number;
  readonly body: string;
}

async function answer(situation: Situation, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { name, standing, delay, body } = situation;
  const wishes = valuesOf(request, "x-e2e");
  const wish = (key: string): string | undefined =>
    wishes.find((entry) => entry.startsWith(`${key}=`))?.slice(key.length + 1);
  if (wishes.includes("hang")) return;
  if (wishes.includes("reset")) return request.socket.resetAndDestroy() as unknown as undefined;
  if (wishes.includes("garbage")) return void request.socket.end("\u0001\u0002 this is not HTTP\r\n\r\n");
  if (wishes.includes("badfield")) return void request.socket.end("HTTP/1.1 200 OK\r\nno field here\r\n\r\n");
  await sleep(delay + Number(wish("slow") ?? 0));
  const echo: Echo = { name, method: request.method ?? "", path: request.url ?? "", headers: rawPairs(request), body };
  for (const entry of wishes.filter((candidate) => candidate.startsWith("reply="))) {
    const [field = "", value = ""] = entry.slice("reply=".length).split(": ");
    response.appendHeader(field, value);
  }
  response.statusCode = Number(wish("status") ?? standing);
  response.setHeader("Content-Type", "application/json");
  const trickle = wish("trickle");
  if (trickle !== undefined) return await trickleBody(response, trickle);
  response.end(JSON.stringify(echo));
}

async function trickleBody(response: ServerResponse, wish: string): Promise<void> {
  const [gap = 0, count = 0] = wish.split("x").map(Number);
  response.flushHeaders();
  for (let sent = 0; sent < count; sent++) {
    await sleep(gap);
    response.write(".");
  }
  response.end();
}

function rawPairs(request: IncomingMessage): [string, string][] {
  const pairs: [string, string][] = [];
  for (let at = 0; at + 1 < request.rawHeaders.length; at += 2) {
    pairs.push([request.rawHeaders[at]!, request.rawHeaders[at + 1]!]);
  }
  return pairs;
}

function valuesOf(request: IncomingMessage, name: string): string[] {
  return rawPairs(request)
    .filter(([key]) => key.toLowerCase() === name)
    .map(([, value]) => value);
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

function listen(server: Server | TcpServer, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: "127.0.0.1", port }, () => resolve());
  });
}

function closeHttp(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
