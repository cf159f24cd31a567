/** Requests begin in turns: however many arrive in one read, the event loop serves others between two of them. */
import type { IncomingMessage, RequestListener, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { MAX_PIPELINED } from "./limits.ts";

type Pending = readonly [request: IncomingMessage, response: ServerResponse];

/**
 * Puts itself between the server and its listener: one request begins in each turn of the event loop, and those of clients that
 * wait for an answer already come last. A connection whose client sends more than MAX_PIPELINED requests without waiting for
 * answers is closed.
 */
export function takeTurns(server: Server): void {
  const [listener] = server.listeners("request") as [RequestListener];
  const waiting = { first: [] as Pending[], pipelined: [] as Pending[] };
  const unanswered = new WeakMap<Socket, number>();
  /** Whether one began in this turn. */
  let isTaken = false;
  const begin = ([request, response]: Pending): void => {
    isTaken = true;
    setImmediate(nextTurn);
    if (!request.socket.destroyed) listener.call(server, request, response);
  };
  const nextTurn = (): void => {
    isTaken = false;
    const next = waiting.first.shift() ?? waiting.pipelined.shift();
    if (next === undefined) return;
    next[0].socket.resume();
    begin(next);
  };
  server.off("request", listener);
  server.on("request", (request, response) => {
    const { socket } = request;
    const before = unanswered.get(socket) ?? 0;
    if (socket.destroyed || before >= MAX_PIPELINED) {
      socket.destroy();
      return;
    }
    unanswered.set(socket, before + 1);
    response.once("close", () => unanswered.set(socket, (unanswered.get(socket) ?? 1) - 1));
    if (!isTaken) {
      begin([request, response]);
      return;
    }
    waiting[before === 0 ? "first" : "pipelined"].push([request, response]);
    // Else the body of who waits would pile up, in as small pieces as it comes.
    socket.pause();
  });
}
