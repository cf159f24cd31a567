/** What clients share: a greedy one is bounded, what is meant to come comes, and all is given back. */
import { expect, it } from "vitest";
import { createPool, peerOf } from "./budgets.ts";
import { CLIENT_BYTES, MAX_NAME_BYTES, MAX_NAMES, MAX_STREAMS } from "./limits.ts";
import { CLUSTER, ENDPOINT, fleet, NODE, resource } from "./testing.ts";
import { type ManualStream, manualServer } from "./testingTransport.ts";

it("leaves room for one more, however many are greedy", () => {
  const pool = createPool(1_000);
  const shares = ["a", "b", "c"].map((peer) => {
    let share = 0;
    while (pool.take(peer, 1)) share += 1;
    return share;
  });
  expect(shares).toEqual([500, 250, 125]);
  pool.give("a", 500);
  expect(pool.used).toBe(375);
  expect(pool.take("d", 300)).toBe(true);
  expect(pool.take("e", 200)).toBe(false);
});

it("takes the hosts of one IPv6 network for one peer", () => {
  expect(peerOf("10.0.0.1:4242")).toBe("10.0.0.1");
  expect(peerOf("::ffff:10.0.0.1:4242")).toBe("10.0.0.1");
  expect(peerOf("2001:db8:0:7:1:2:3:4:4242")).toBe(peerOf("[2001:db8:0:7::9]:1"));
  expect(peerOf("2001:db8::1:4242")).toBe("2001:db8:0:0::/64");
  expect(peerOf("::1:4242")).toBe("0:0:0:0::/64");
});

it("gives one address half of the places, and another one some", async () => {
  const manual = await manualServer();
  fleet(manual.server).set(resource(CLUSTER, "a"));
  const streams: ManualStream[] = [];
  for (let count = 0; count <= MAX_STREAMS / 2; count++) streams.push(manual.open(true, "10.0.0.1:1"));
  expect(streams.at(-2)!.status).toBeNull();
  expect(streams.at(-1)!.status).toMatchObject({ code: 8, message: expect.stringContaining(`${MAX_STREAMS}`) });
  expect(manual.open(true, "10.0.0.2:1").status).toBeNull();
  expect(manual.server.metrics().ended.get("places")).toBe(1);
  for (const stream of streams.slice(0, 2)) stream.close();
  streams.at(-1)!.close();
  expect(manual.open(true, "10.0.0.1:1").status).toBeNull();
});

it("bounds what a stream's names take over all types, and says so", async () => {
  const manual = await manualServer();
  fleet(manual.server).set(resource(CLUSTER, "a"));
  for (const delta of [true, false]) {
    const stream = manual.open(delta);
    const long = (type: number): string[] =>
      Array.from({ length: 4_000 }, (_, index) => `${type}-${index}-`.padEnd(MAX_NAME_BYTES, "x"));
    for (let type = 0; type < 8 && stream.status === null; type++) {
      const names = long(type);
      stream.send({
        node: NODE,
        typeUrl: `t/${type}`,
        ...(delta ? { resourceNamesSubscribe: names } : { resourceNames: names }),
      });
    }
    expect(stream.status).toMatchObject({ code: 8, message: expect.stringContaining("a stream's names") });
    stream.close();
  }
  expect(manual.server.metrics()).toMatchObject({ clientBytes: 0 });
  expect(manual.server.metrics().ended.get("memory")).toBe(2);
});

it("gives back what names took when they are unsubscribed, or replaced by others", async () => {
  const manual = await manualServer();
  fleet(manual.server).set(resource(ENDPOINT, "a"));
  const bytes = (): number => manual.server.metrics().clientBytes;
  const names = ["a", ...Array.from({ length: 1_000 }, (_, index) => `none-${index}`)];
  const delta = manual.open(true);
  delta.send({ node: NODE, typeUrl: ENDPOINT, resourceNamesSubscribe: [] });
  const before = bytes();
  delta.send({ typeUrl: ENDPOINT, resourceNamesSubscribe: names });
  expect(bytes()).toBeGreaterThan(before + 90_000);
  delta.send({ typeUrl: ENDPOINT, resourceNamesSubscribe: names });
  delta.send({ typeUrl: ENDPOINT, resourceNamesUnsubscribe: names });
  expect(bytes()).toBe(before);
  delta.close();
  const sotw = manual.open(false);
  sotw.send({ node: NODE, typeUrl: ENDPOINT, resourceNames: names });
  sotw.send({ typeUrl: ENDPOINT, resourceNames: ["a"] });
  expect(bytes()).toBeLessThan(before + 100);
  sotw.close();
  expect(bytes()).toBe(0);
});

it.each([true, false])("takes 2 000 streams of 1 000 names of 60 bytes from one address (delta: %s)", async (delta) => {
  const manual = await manualServer();
  const resources = Array.from({ length: 1_000 }, (_, index) => resource(ENDPOINT, `${index}-`.padEnd(60, "n")));
  fleet(manual.server).set(...resources);
  const names = resources.map(({ name }) => name);
  const streams = Array.from({ length: 2_000 }, () => {
    const stream = manual.open(delta, "10.0.0.1:1");
    stream.send({
      node: NODE,
      typeUrl: ENDPOINT,
      ...(delta ? { resourceNamesSubscribe: names } : { resourceNames: names }),
    });
    return stream;
  });
  expect(streams.filter((stream) => stream.status !== null)).toEqual([]);
  expect(manual.server.metrics().clientBytes).toBeLessThan(CLIENT_BYTES / 2);
});

it("takes the names of a large fleet for three types on one stream", async () => {
  const manual = await manualServer();
  fleet(manual.server).set(resource(CLUSTER, "a"));
  const names = Array.from({ length: MAX_NAMES }, (_, index) => `${index}-`.padEnd(60, "n"));
  const stream = manual.open(false);
  for (const type of ["a", "b", "c"]) stream.send({ node: NODE, typeUrl: type, resourceNames: names });
  expect(stream.status).toBeNull();
});
