/** Free ports. One number is taken that is free on several loopback addresses at once, as listeners share their port. */
import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/** Below the range from which the kernel takes ports for outgoing connections, so that none of them gets in the way. */
const LOWEST_PORT = 20_000;
const HIGHEST_PORT = 32_000;
const ATTEMPTS = 200;

const given = new Set<number>();

/** A port that nothing listens on at any of the addresses, and that this process has not given out before. */
export async function freePort(...addresses: readonly string[]): Promise<number> {
  const wanted = addresses.length === 0 ? ["127.0.0.1"] : addresses;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = randomInt(LOWEST_PORT, HIGHEST_PORT);
    if (given.has(port)) continue;
    const free = await Promise.all(wanted.map((address) => isFree(address, port)));
    if (free.every((entry) => entry)) {
      given.add(port);
      return port;
    }
  }
  throw new Error(`no free port on ${wanted.join(", ")}`);
}

function isFree(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ host: address, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
