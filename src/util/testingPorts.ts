/** Ports for what tests start. */
import { randomInt } from "node:crypto";
import { createServer, type Server } from "node:net";

/**
 * Below those that the kernel takes for outgoing connections, which could hold a port between the look at it and its use, and below
 * those of the e2e tests, which run at the same time.
 */
const LOWEST_PORT = 10_000;
const HIGHEST_PORT = 20_000;
const ATTEMPTS = 200;

/** Ports that are free at all these addresses: all held at once, then let go. */
export async function freePorts(count: number, addresses: readonly string[] = ["127.0.0.1"]): Promise<number[]> {
  const held = new Map<number, readonly Server[]>();
  try {
    for (let attempt = 0; held.size < count && attempt < ATTEMPTS; attempt++) {
      const port = randomInt(LOWEST_PORT, HIGHEST_PORT);
      if (held.has(port)) continue;
      const servers = await Promise.all(addresses.map((address) => listen(port, address)));
      const listening = servers.filter((server) => server !== null);
      if (listening.length === servers.length) held.set(port, listening);
      else await Promise.all(listening.map(close));
    }
    if (held.size < count) throw new Error(`no ${count} free ports on ${addresses.join(", ")}`);
    return [...held.keys()];
  } finally {
    await Promise.all([...held.values()].flat().map(close));
  }
}

/** One port that is free at all these addresses. */
export async function freePort(addresses?: readonly string[]): Promise<number> {
  const [port] = await freePorts(1, addresses);
  return port as number;
}

function listen(port: number, host: string): Promise<Server | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(null));
    server.listen({ port, host, exclusive: true }, () => resolve(server));
  });
}

function close(server: Server): Promise<unknown> {
  return new Promise((resolve) => server.close(resolve));
}
