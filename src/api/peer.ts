/** Who is at the other end of a request. */
import type { Socket } from "node:net";
import type { FastifyRequest } from "fastify";

/** As `127.0.0.1:4242`. */
export function peerOf({ socket }: FastifyRequest): string {
  return socketAddress(socket);
}

/** As `peerOf`. */
export function socketAddress(socket: Socket): string {
  const { remoteAddress = "unknown", remotePort = 0 } = socket;
  return `${remoteAddress.includes(":") ? `[${remoteAddress}]` : remoteAddress}:${remotePort}`;
}

/** Without the port, which is another one for each connection. */
export function addressOf({ socket }: FastifyRequest): string {
  return socket.remoteAddress ?? "unknown";
}
