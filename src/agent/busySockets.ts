/** Finds out whether sockets can be opened, by opening them for a moment. */
import { createServer } from "node:net";

/**
 * Which of `wanted` (`address:port`) somebody else holds or this machine has no address for, as `127.0.0.1:80: EADDRINUSE`.
 * Ports among `held` are not tried: the running proxy has them, maybe on another address of the same port.
 */
export async function busySockets(wanted: readonly string[], held: readonly string[]): Promise<readonly string[]> {
  const heldPorts = new Set(held.map((socket) => split(socket).port));
  const fresh = wanted.filter((socket) => !heldPorts.has(split(socket).port));
  const tried = await Promise.all(fresh.map(async (socket) => ({ socket, error: await tryListen(socket) })));
  return tried.flatMap(({ socket, error }) => (error === null ? [] : [`${socket}: ${error}`]));
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
