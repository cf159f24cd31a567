/** Connections are few: nobody keeps one by being slow while others are kept out. */
import type { IncomingMessage, Server } from "node:http";
import type { Socket } from "node:net";
import type { FastifyInstance } from "fastify";
import { Counter, type Registry } from "prom-client";
import { plainSocketOf } from "../util/tlsRefusal.ts";
import { createChunkCount } from "./bodies/chunks.ts";
import { createReadInTurns } from "./bodies/readInTurns.ts";
import { DRAIN_MS, STRANGERS_SHARE } from "./limits.ts";

/**
 * Bounds open connections. A new one beyond `maximum` takes the place of the one that has waited longest for its client: silent,
 * idle, in the middle of its headers or body. Connections whose request is whole keep their place until it is answered; when
 * there are no others the new one is dropped.
 *
 * With TLS the sockets below it are counted: a handshake takes a place too.
 *
 * The function that it gives marks a connection as a known client's. Strangers come and go in the places that those leave, which
 * are a STRANGERS_SHARE of all at least: however many come, they take no place of a known client's.
 */
export function boundConnections(
  server: Server,
  { maximum, registry }: { readonly maximum: number; readonly registry: Registry },
): (socket: Socket) => void {
  const dropped = new Counter({
    name: "trimtab_http_connections_dropped_total",
    help: "Connections closed to make room for newer ones.",
    registers: [registry],
  });
  const open = new Set<Socket>();
  const known = new Set<Socket>();
  /** In the order of their clients' last step: connected, sent headers, got an answer. */
  const waiting = { strangers: new Set<Socket>(), known: new Set<Socket>() };
  const stopWaiting = (socket: Socket): void => {
    waiting.strangers.delete(socket);
    waiting.known.delete(socket);
  };
  const forget = (socket: Socket): void => {
    open.delete(socket);
    known.delete(socket);
    stopWaiting(socket);
  };
  const waitsAgain = (socket: Socket): void => {
    if (!open.has(socket)) return;
    stopWaiting(socket);
    waiting[known.has(socket) ? "known" : "strangers"].add(socket);
  };
  const drop = (socket: Socket): void => {
    dropped.inc();
    forget(socket);
    socket.destroy();
  };
  server.on("connection", (socket) => {
    open.add(socket);
    socket.once("close", () => forget(socket));
    waitsAgain(socket);
    if (open.size <= maximum) return;
    const [stranger = socket] = waiting.strangers;
    const [client] = waiting.known;
    const isTheirs = client === undefined || waiting.strangers.size > maximum * STRANGERS_SHARE;
    drop(isTheirs ? stranger : client);
  });
  server.on("request", (request, response) => {
    const socket = plainSocketOf(request.socket);
    waitsAgain(socket);
    if (hasBody(request)) request.once("end", () => stopWaiting(socket));
    else stopWaiting(socket);
    response.once("close", () => waitsAgain(socket));
  });
  return (connection) => {
    const socket = plainSocketOf(connection);
    if (!open.has(socket)) return;
    known.add(socket);
    if (waiting.strangers.has(socket)) waitsAgain(socket);
  };
}

/**
 * What is answered before its body came (401, 413, 503) does not keep its connection for the rest of the body: that is thrown
 * away, and when it does not end soon, the connection is closed behind the answer. Closing at once would lose the answer of an
 * honest client that is still sending.
 */
export function closeUnread(app: FastifyInstance): void {
  const took = createReadInTurns();
  app.addHook("onSend", async ({ raw }, reply, payload) => {
    if (hasBody(raw) && !(await drained(raw, took))) reply.header("connection", "close");
    return payload;
  });
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

/** Whether the body ends within DRAIN_MS. */
function drained(
  request: IncomingMessage,
  took: (request: IncomingMessage, bytes: number) => void,
): Promise<boolean> | boolean {
  if (request.readableEnded || request.destroyed) return request.readableEnded;
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), DRAIN_MS);
    request.once("close", () => {
      clearTimeout(timer);
      resolve(request.readableEnded);
    });
    const isTooSmall = createChunkCount();
    request.on("data", (piece: Buffer) => {
      took(request, piece.length);
      if (isTooSmall(piece)) request.socket.destroy();
    });
  });
}
