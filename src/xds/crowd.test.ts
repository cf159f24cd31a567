/** The largest loads that are meant to come are let in, over the wire: bounds are for others. */
import { afterEach, expect, it } from "vitest";
import { MAX_NAMES } from "./limits.ts";
import { ENDPOINT, fleet, NODE, resource, startServer } from "./testing.ts";
import { type Attacker, attack, DELTA, delta, SOTW, sotw } from "./testingHostile.ts";

const CONNECTIONS = 100;
const STREAMS = 20;

const undo: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

it.each([true, false])(
  "2 000 streams of one address come back at once with 1 000 names (delta: %s)",
  async (isDelta) => {
    const { server, address } = await startServer();
    undo.push(() => server.close());
    const resources = Array.from({ length: 1_000 }, (_, index) => resource(ENDPOINT, `${index}-`.padEnd(60, "n")));
    fleet(server).set(...resources);
    const names = resources.map(({ name }) => name);
    const first = isDelta
      ? delta({ node: NODE, typeUrl: ENDPOINT, resourceNamesSubscribe: names })
      : sotw({ node: NODE, typeUrl: ENDPOINT, resourceNames: names });
    const clients: Attacker[] = await Promise.all(Array.from({ length: CONNECTIONS }, () => attack(address)));
    undo.push(() => clients.forEach((client) => void client.close()));
    const streams = clients.flatMap(({ open }) => Array.from({ length: STREAMS }, () => open(isDelta ? DELTA : SOTW)));
    for (const stream of streams) void stream.write(first);
    await expect.poll(() => streams.filter((stream) => stream.messages() === 0).length, { timeout: 20_000 }).toBe(0);
    expect(server.metrics()).toMatchObject({ openStreams: CONNECTIONS * STREAMS, refusedStreams: 0 });
  },
);

it("100 000 names of 60 bytes, with versions, in a first request", async () => {
  const { server, address } = await startServer();
  undo.push(() => server.close());
  fleet(server).set(resource(ENDPOINT, "a"));
  const names = Array.from({ length: MAX_NAMES }, (_, index) => `${index}-`.padEnd(60, "n"));
  const initialResourceVersions = Object.fromEntries(names.map((name) => [name, "0123456789abcdef"]));
  const client = await attack(address);
  undo.push(() => client.close());
  const stream = client.open(DELTA);
  void stream.write(delta({ node: NODE, typeUrl: ENDPOINT, resourceNamesSubscribe: names, initialResourceVersions }));
  // That none of them is there is told in several responses.
  await expect.poll(() => stream.messages(), { timeout: 10_000 }).toBeGreaterThanOrEqual(5);
  expect(server.metrics()).toMatchObject({ openStreams: 1, refusedStreams: 0 });
});
