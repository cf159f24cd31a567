/** Finds out whether sockets can be opened, by opening them for a moment. */
import { createServer } from "node:net";
import type { Socket } from "../targets/target.ts";

export interface BusySocket {
  /** As it was asked for: `address:port`. */
  readonly socket: string;
  /** `EADDRINUSE`: somebody else has it; `EADDRNOTAVAIL`: this machine has no such address; `EACCES`: not allowed. */
  readonly error: string;
}

/** Which of `wanted` (`address:port`, IPv6 with or without brackets) cannot be opened. */
export async function busySockets(wanted: readonly string[]): Promise<readonly BusySocket[]> {
  const busy: BusySocket[] = [];
  // One after the other: two that overlap (0.0.0.0 and 127.0.0.1) must not find each other.
  for (const socket of wanted) {
    const error = await tryListen(socket);
    if (error !== null) {
      busy.push({ socket, error });
    }
  }
  return busy;
}

/** `wanted` without the ports that `held` has, on whatever address: the running proxy passes those on by itself. */
export function freshSockets(wanted: readonly Socket[], held: readonly Socket[]): readonly Socket[] {
  const heldPorts = new Set(held.map(({ port }) => port));
  return wanted.filter(({ port }) => !heldPorts.has(port));
}

/** `address:port`, with brackets around IPv6. */
export function socketText({ address, port }: Pick<Socket, "address" | "port">): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

function split(socket: string): { readonly host: string; readonly port: number } {
  const colon = socket.lastIndexOf(":");
  return { host: socket.slice(0, colon).replace(/^\[|\]$/g, ""), port: Number(socket.slice(colon + 1)) };
}

/** The error's code, or null when the socket could be opened. It is closed again. */
function tryListen(socket: string): Promise<string | null> {
  const { promise, resolve } = Promise.withResolvers<string | null>();
  const server = createServer();
  server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  server.listen({ ...split(socket), exclusive: true }, () => server.close(() => resolve(null)));
  return promise;
}
