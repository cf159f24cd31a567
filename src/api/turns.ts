/** Requests begin in turns: however many arrive in one read, the event loop serves others between a few of them. */
import type { IncomingMessage, RequestListener, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { MAX_PIPELINED, REQUESTS_PER_TURN } from "./limits.ts";

/**
 * Puts itself between the server and its listener. A connection whose client sends more than MAX_PIPELINED requests without
 * waiting for answers is closed: Node would begin them all at once.
 */
export function takeTurns(server: Server): void {
  const [listener] = server.listeners("request") as [RequestListener];
  const waiting: (readonly [IncomingMessage, ServerResponse])[] = [];
  const unanswered = new WeakMap<Socket, number>();
  /** In this turn of the event loop. */
  let begun = 0;
  const nextTurn = (): void => {
    begun = 0;
    for (const [request, response] of waiting.splice(0, REQUESTS_PER_TURN)) begin(request, response);
  };
  const begin = (request: IncomingMessage, response: ServerResponse): void => {
    if (begun++ === 0) setImmediate(nextTurn);
    if (!request.socket.destroyed) listener.call(server, request, response);
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
    if (waiting.length > 0 || begun >= REQUESTS_PER_TURN) waiting.push([request, response]);
    else begin(request, response);
  });
}
