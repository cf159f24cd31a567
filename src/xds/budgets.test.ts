/** What clients share: a greedy one is bounded, what is meant to come comes, and all is given back. */
import { expect, it } from "vitest";
import { createPool, peerOf } from "./budgets.ts";
import {
  CLIENT_BYTES,
  HOLD_MS,
  MAX_NAME_BYTES,
  MAX_NAMES,
  MAX_NEW_STREAMS,
  MAX_STREAMS,
  MEMORY_WAIT_MS,
  RESPONSE_BYTES,
} from "./limits.ts";
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
  const hello = { node: NODE, typeUrl: CLUSTER };
  for (let count = 0; count <= MAX_STREAMS / 2; count++) {
    const stream = manual.open(true, "10.0.0.1:1");
    if (stream.status === null) stream.send(hello);
    streams.push(stream);
  }
  expect(streams.at(-2)!.status).toBeNull();
  expect(streams.at(-1)!.status).toMatchObject({ code: 8, message: expect.stringContaining(`${MAX_STREAMS}`) });
  expect(manual.open(true, "10.0.0.2:1").status).toBeNull();
  expect(manual.server.metrics().ended.get("places")).toBe(1);
  for (const stream of streams.slice(0, 2)) stream.close();
  streams.at(-1)!.close();
  expect(manual.open(true, "10.0.0.1:1").status).toBeNull();
});

it("gives one address half of the places for streams that have not asked yet", async () => {
  const manual = await manualServer();
  fleet(manual.server).set(resource(CLUSTER, "a"));
  const streams = Array.from({ length: MAX_NEW_STREAMS / 2 + 1 }, () => manual.open(true, "10.0.0.1:1"));
  expect(streams.at(-2)!.status).toBeNull();
  expect(streams.at(-1)!.status).toMatchObject({ code: 8, message: expect.stringContaining(`${MAX_NEW_STREAMS}`) });
  expect(manual.open(true, "10.0.0.2:1").status).toBeNull();
  // Two, because the other address has one of the places that were free.
  for (const stream of streams.slice(0, 2)) stream.send({ node: NODE, typeUrl: CLUSTER });
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
  const answered = (): void => {
    for (let seen = delta.take(); seen !== null; seen = delta.take()) {
      delta.send({ typeUrl: ENDPOINT, responseNonce: seen.nonce });
    }
  };
  delta.send({ node: NODE, typeUrl: ENDPOINT, resourceNamesSubscribe: [] });
  const before = bytes();
  delta.send({ typeUrl: ENDPOINT, resourceNamesSubscribe: names });
  expect(bytes()).toBeGreaterThan(before + 90_000);
  answered();
  delta.send({ typeUrl: ENDPOINT, resourceNamesSubscribe: names });
  answered();
  delta.send({ typeUrl: ENDPOINT, resourceNamesUnsubscribe: names });
  expect(bytes()).toBe(before);
  delta.close();
  const sotw = manual.open(false);
  sotw.send({ node: NODE, typeUrl: ENDPOINT, resourceNames: names });
  // What it is told of names that are not there counts until it answers.
  const errors = sotw.take();
  sotw.send({ typeUrl: ENDPOINT, resourceNames: ["a"], responseNonce: errors?.nonce ?? "" });
  for (let seen = sotw.take(); seen !== null; seen = sotw.take()) {
    sotw.send({ typeUrl: ENDPOINT, resourceNames: ["a"], responseNonce: seen.nonce });
  }
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

it("counts names that a node says it has until it was told that they are gone", async () => {
  const manual = await manualServer();
  fleet(manual.server).set(resource(CLUSTER, "a"));
  const bytes = (): number => manual.server.metrics().clientBytes;
  const plain = manual.open(true);
  plain.send({ node: NODE, typeUrl: CLUSTER });
  const before = bytes();
  const stream = manual.open(true);
  const made = (index: number): [string, string] => [`none-${index}`.padEnd(30, "x"), "1"];
  const initialResourceVersions = Object.fromEntries(Array.from({ length: 50_000 }, (_, index) => made(index)));
  stream.send({ node: NODE, typeUrl: CLUSTER, initialResourceVersions });
  expect(bytes() - before).toBeGreaterThan(50_000 * 60);
  manual.clock.advance(HOLD_MS);
  manual.clock.advance(HOLD_MS);
  const removed: string[] = [];
  for (let seen = stream.take(); seen !== null; seen = stream.take()) {
    removed.push(...seen.removed);
    stream.send({ typeUrl: CLUSTER, responseNonce: seen.nonce });
  }
  expect(removed.length).toBe(50_000);
  expect(bytes()).toBe(2 * before);
});

it("bounds the responses of streams that do not read, and goes on when they are gone", async () => {
  const manual = await manualServer();
  // 400 resources of 2 kB: a response of its own for each stream, because each leaves out another one.
  const resources = Array.from({ length: 400 }, (_, index) => resource(ENDPOINT, `e${index}`, "x".repeat(2_500)));
  fleet(manual.server).set(...resources);
  const streams = Array.from({ length: 200 }, (_, index) => {
    const stream = manual.open(true, "10.0.0.1:1");
    const resourceNamesSubscribe = resources.filter((_resource, at) => at !== index).map(({ name }) => name);
    stream.send({ node: NODE, typeUrl: ENDPOINT, resourceNamesSubscribe });
    return stream;
  });
  const responses = (): number => manual.server.metrics().types.get("ClusterLoadAssignment")!.responses;
  expect(responses() * 1_000_000).toBeLessThan(RESPONSE_BYTES / 2);
  const other = manual.open(true, "10.0.0.2:1");
  other.send({ node: NODE, typeUrl: ENDPOINT, resourceNamesSubscribe: ["e1"] });
  expect(other.take()).toMatchObject({ names: ["e1"] });
  const before = responses();
  for (const stream of streams.slice(0, 50)) stream.close();
  manual.clock.advance(MEMORY_WAIT_MS);
  expect(responses()).toBe(before + 50);
});

it("counts what unanswered responses keep", async () => {
  const manual = await manualServer();
  fleet(manual.server).set(resource(CLUSTER, "a"));
  const stream = manual.open(true);
  const resourceNamesSubscribe = Array.from({ length: 30_000 }, (_, index) => `none-${index}`.padEnd(30, "x"));
  let last = "";
  for (let count = 0; count < 10; count++) {
    stream.send({ node: NODE, typeUrl: ENDPOINT, resourceNamesSubscribe });
    for (let seen = stream.take(); seen !== null; seen = stream.take()) last = seen.nonce;
  }
  const unanswered = manual.server.metrics().clientBytes;
  stream.send({ typeUrl: ENDPOINT, responseNonce: last });
  expect(unanswered - manual.server.metrics().clientBytes).toBeGreaterThan(10_000_000);
});
