/** Connections are few: nobody keeps one by being slow while others are kept out. */
import type { IncomingMessage, Server } from "node:http";
import type { Socket } from "node:net";
import type { FastifyInstance } from "fastify";
import { Counter, type Registry } from "prom-client";
import { DRAIN_MS } from "./limits.ts";

/**
 * Bounds open connections. A new one beyond `maximum` takes the place of the one that has waited longest for its client: silent,
 * idle, in the middle of its headers or body. Connections whose request is whole keep their place until it is answered; when
 * there are no others the new one is dropped.
 */
export function boundConnections(
  server: Server,
  { maximum, registry }: { readonly maximum: number; readonly registry: Registry },
): void {
  const dropped = new Counter({
    name: "trimtab_http_connections_dropped_total",
    help: "Connections closed to make room for newer ones.",
    registers: [registry],
  });
  const open = new Set<Socket>();
  /** In the order of their clients' last step: connected, sent headers, got an answer. */
  const waiting = new Set<Socket>();
  const forget = (socket: Socket): void => {
    open.delete(socket);
    waiting.delete(socket);
  };
  const waitsAgain = (socket: Socket): void => {
    if (!open.has(socket)) return;
    waiting.delete(socket);
    waiting.add(socket);
  };
  server.on("connection", (socket) => {
    open.add(socket);
    waiting.add(socket);
    socket.once("close", () => forget(socket));
    if (open.size <= maximum) return;
    const [oldest = socket] = waiting;
    dropped.inc();
    forget(oldest);
    oldest.destroy();
  });
  server.on("request", (request, response) => {
    const { socket } = request;
    waitsAgain(socket);
    if (hasBody(request)) request.once("end", () => waiting.delete(socket));
    else waiting.delete(socket);
    response.once("close", () => waitsAgain(socket));
  });
}

/**
 * What is answered before its body came (401, 413, 503) does not keep its connection for the rest of the body: that is thrown
 * away, and when it does not end soon, the connection is closed behind the answer. Closing at once would lose the answer of an
 * honest client that is still sending.
 */
export function closeUnread(app: FastifyInstance): void {
  app.addHook("onSend", async ({ raw }, reply, payload) => {
    if (hasBody(raw) && !(await drained(raw))) reply.header("connection", "close");
    return payload;
  });
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

/** Whether the body ends within DRAIN_MS. */
function drained(request: IncomingMessage): Promise<boolean> | boolean {
  if (request.readableEnded || request.destroyed) return request.readableEnded;
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), DRAIN_MS);
    request.once("close", () => {
      clearTimeout(timer);
      resolve(request.readableEnded);
    });
    request.resume();
  });
}
