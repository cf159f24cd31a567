/**
 * Hostile clients of every kind we know, against a server in a process of its own: each is answered as docs/xds-limits.md says, while
 * a client that behaves is served and what the server counts stays bounded. How long that one waits, and how much memory the server takes,
 * is for `npm run bench:hostile` to judge: it runs this file and names the one for the figures.
 */
import { randomBytes } from "node:crypto";
import { appendFileSync } from "node:fs";
import { setPriority } from "node:os";
import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";
import {
  FIRST_REQUEST_BYTES,
  MAX_FAILED_STREAMS,
  MAX_NAMES,
  MAX_NEW_STREAMS,
  MAX_STREAMS_PER_CONNECTION,
  MAX_TYPES_PER_STREAM,
  STREAM_BYTES,
} from "./limits.ts";
import { CLUSTER, ENDPOINT, NODE } from "./testing.ts";
import type { GoodClient } from "./testingGoodClient.ts";
import {
  type Attacker,
  type AttackStream,
  attack,
  CLUSTERS,
  DELTA,
  delta,
  type End,
  FRAME,
  framed,
  GRPC_HEADERS,
  headerBlock,
  http2Frame,
  pathOf,
  rawConnection,
  SOTW,
  STATUS,
  sotw,
} from "./testingHostile.ts";
import type { HostileServer } from "./testingHostileServer.ts";
import { type Child, startChild } from "./testingProcess.ts";

/** Where the figures of each kind go, as a line of JSON; undefined: nothing is measured. */
const FIGURES = process.env.TRIMTAB_HOSTILE_FIGURES;
/** How long nobody attacks, for comparison, and how long what a kind left behind still counts as its own. */
const QUIET_MS = 3_000;
const AFTERMATH_MS = 300;
/** Attackers would be on other machines: on this one they take what the server and the client that behaves leave. */
const ATTACKER_PRIORITY = 10;

/** Until something that must come has come: as much as a crowded machine may need. */
const PATIENCE_MS = 60_000;
vi.setConfig({ testTimeout: 2 * PATIENCE_MS, hookTimeout: 2 * PATIENCE_MS });

/** gRPC status codes. */
const INVALID_ARGUMENT = 3;
const DEADLINE_EXCEEDED = 4;
const NOT_FOUND = 5;
const RESOURCE_EXHAUSTED = 8;
const UNIMPLEMENTED = 12;

let server: Child<HostileServer>;
let good: Child<GoodClient>;
let address: string;
const attackers: Attacker[] = [];
/** Begun at once, because their answer takes its time; ended by the last tests. */
let slow: { silent: Promise<End>; drip: Promise<End>; drippedLate: Promise<End>; mute: Promise<unknown> };

beforeAll(async () => {
  server = startChild<HostileServer>("./testingHostileServer.ts");
  good = startChild<GoodClient>("./testingGoodClient.ts");
  if (FIGURES !== undefined) setPriority(ATTACKER_PRIORITY);
  address = await server.ask("listen");
  await good.ask("start", address);
  await warmUp();
  slow = await beginSlow();
  if (FIGURES === undefined) return;
  await note(FIGURES, "(warming up)");
  await pause(QUIET_MS);
  await note(FIGURES, "(nobody attacks)");
});

afterAll(async () => {
  await good.stop();
  await server.stop();
});

let ended: Record<string, number>;
beforeEach(async () => {
  ended = (await server.ask("state")).ended;
});

afterEach(async ({ task }) => {
  for (const attacker of attackers.splice(0)) attacker.close();
  if (FIGURES !== undefined) await note(FIGURES, task.name);
  // However busy the server was, who behaves is answered.
  expect(await good.ask("answered")).toEqual([]);
  expect((await server.ask("state")).errors).toEqual([]);
});

/** Writes what was measured since the last call. */
async function note(file: string, kind: string): Promise<void> {
  await pause(AFTERMATH_MS);
  const [waits, figures] = await Promise.all([good.ask("waits"), server.ask("figures")]);
  appendFileSync(file, `${JSON.stringify({ kind, waits, ...figures })}\n`);
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

async function attacker(options?: Parameters<typeof attack>[1]): Promise<Attacker> {
  const made = await attack(address, options);
  attackers.push(made);
  return made;
}

/** One stream on a connection of its own, and what is written to it. */
async function stream(path: string, ...messages: Buffer[]): Promise<AttackStream> {
  const opened = (await attacker()).open(path);
  for (const message of messages) void opened.write(message);
  return opened;
}

/** How many streams or connections the server has ended for a reason since the test began. */
async function endedFor(reason: string): Promise<number> {
  return ((await server.ask("state")).ended[reason] ?? 0) - (ended[reason] ?? 0);
}

function repeat(part: Buffer, times: number): Buffer {
  return Buffer.alloc(part.length * times, part);
}

function names(count: number, start = 0): string[] {
  return Array.from({ length: count }, (_, index) => `n${start + index}`);
}

async function until(done: () => boolean | Promise<boolean>): Promise<void> {
  await expect.poll(done, { timeout: PATIENCE_MS, interval: 20 }).toBe(true);
}

const HELLO = delta({ node: NODE, typeUrl: CLUSTER, resourceNamesSubscribe: ["c0"] });
const HELLO_SOTW = sotw({ node: NODE, typeUrl: ENDPOINT, resourceNames: ["c0"] });
const NAME = Buffer.from([0x1a, 2, 0x63, 0x31]);
const UNKNOWN_FIELD = Buffer.from([0x7a, 0]);

/** A thousand nodes come, get everything and go: what the server needs for its ordinary work, it has then. */
async function warmUp(): Promise<void> {
  const connections = await Promise.all(Array.from({ length: 10 }, () => attack(address)));
  for (const { open } of connections) {
    const streams = Array.from({ length: 100 }, () => open(DELTA));
    for (const opened of streams) {
      for (const typeUrl of [CLUSTER, ENDPOINT]) {
        void opened.write(delta({ node: NODE, typeUrl, resourceNamesSubscribe: ["*"] }));
      }
    }
    while (streams.some((opened) => opened.messages() < 2)) await pause(20);
  }
  for (const connection of connections) connection.close();
  await pause(300);
}

async function beginSlow(): Promise<typeof slow> {
  const quiet = await attack(address);
  const drip = quiet.open(DELTA);
  const late = quiet.open(DELTA);
  void late.write(HELLO);
  for (const dripping of [drip, late]) {
    void dripping.write(framed(Buffer.alloc(100), { length: 100_000 }));
    const timer = setInterval(() => void dripping.write(Buffer.alloc(1)), 50);
    void dripping.ended.then(() => clearInterval(timer));
  }
  const mute = await Promise.all(Array.from({ length: 100 }, () => rawConnection(address, false)));
  return {
    silent: quiet.open(SOTW).ended,
    drip: drip.ended,
    drippedLate: late.ended,
    mute: Promise.all(mute.map((connection) => connection.closed)),
  };
}

it("names kept apart by unknown fields", async () => {
  const many = repeat(Buffer.concat([NAME, UNKNOWN_FIELD]), 270_000);
  const opened = await stream(SOTW, HELLO_SOTW, framed(many));
  expect(await opened.ended).toMatchObject({
    code: INVALID_ARGUMENT,
    message: expect.stringContaining(`${MAX_NAMES}`),
  });
  const some = repeat(Buffer.concat([NAME, UNKNOWN_FIELD]), MAX_NAMES - 10);
  const type = Buffer.concat([Buffer.from([0x22, ENDPOINT.length]), Buffer.from(ENDPOINT)]);
  const fine = await stream(SOTW, HELLO_SOTW, framed(Buffer.concat([some, type])));
  await until(() => fine.messages() === 2);
});

it("a million names", async () => {
  const opened = await stream(SOTW, HELLO_SOTW, framed(repeat(NAME, 1_000_000)));
  expect(await opened.ended).toMatchObject({
    code: INVALID_ARGUMENT,
    message: expect.stringContaining("names more than"),
  });
});

it("one name of a mebibyte", async () => {
  const opened = await stream(
    DELTA,
    delta({ node: NODE, typeUrl: CLUSTER }),
    delta({ typeUrl: CLUSTER, resourceNamesSubscribe: ["x".repeat(2 ** 20)] }),
  );
  expect(await opened.ended).toMatchObject({
    code: INVALID_ARGUMENT,
    message: expect.stringContaining("name is longer"),
  });
});

it("64 MiB of a request before anyone was let in", async () => {
  const { session, open } = await attacker();
  const half = 2 ** 25;
  const streams = Array.from({ length: 20 }, () => open(DELTA));
  const ends = streams.map(async (opened, index) => {
    const length = index % 2 === 0 ? 2 * half : FIRST_REQUEST_BYTES + 1;
    await opened.write(framed(Buffer.alloc(64_000), { length }));
    await opened.write(Buffer.alloc(half));
    return opened.ended;
  });
  for (const end of await Promise.all(ends)) {
    expect(end).toMatchObject({ code: RESOURCE_EXHAUSTED, message: expect.stringContaining("a request of") });
  }
  expect(session.destroyed).toBe(false);
  expect(await endedFor("size")).toBe(20);
});

it("parts of requests on 2 000 streams", async () => {
  const part = framed(Buffer.alloc(65_000), { length: FIRST_REQUEST_BYTES });
  const four = await Promise.all(Array.from({ length: 4 }, () => attacker()));
  for (const { open } of four) for (let count = 0; count < 500; count++) void open(DELTA).write(part);
  await until(async () => (await endedFor("futile")) > 0);
  expect(await endedFor("memory")).toBeGreaterThanOrEqual(MAX_FAILED_STREAMS);
  expect((await server.ask("state")).clientBytes).toBeLessThan(230 * 2 ** 20);
});

it("a first request without a node, or a node without id", async () => {
  const none = await stream(DELTA, delta({ typeUrl: CLUSTER }));
  const anonymous = await stream(SOTW, sotw({ node: { cluster: "edge" }, typeUrl: CLUSTER }));
  for (const opened of [none, anonymous]) {
    expect(await opened.ended).toMatchObject({
      code: INVALID_ARGUMENT,
      message: expect.stringContaining("node with an id"),
    });
  }
});

it("2 000 nodes of fleets that do not exist", async () => {
  for (let round = 0; round < 10; round++) {
    const { open, closed } = await attacker();
    const ends = Array.from({ length: 200 }, (_, index) => {
      const opened = open(DELTA);
      void opened.write(delta({ node: { id: "x", cluster: `none-${round}-${index}` }, typeUrl: CLUSTER }));
      return opened.ended;
    });
    const codes = (await Promise.all(ends)).map(({ code }) => code);
    expect(new Set(codes)).toEqual(new Set([NOT_FOUND, null]));
    await closed;
  }
  expect(await endedFor("fleet")).toBeGreaterThanOrEqual(10 * MAX_FAILED_STREAMS - 10);
});

it("seven connections with 4 096 streams each", async () => {
  const seven = await Promise.all(Array.from({ length: 7 }, () => attacker()));
  let refused = 0;
  for (const { open } of seven) {
    for (let count = 0; count < 4_096; count++) {
      void open(DELTA).ended.then(({ code }) => {
        if (code === RESOURCE_EXHAUSTED) refused += 1;
      });
    }
  }
  await until(async () => (await endedFor("futile")) >= 2);
  expect(refused).toBeGreaterThan(MAX_FAILED_STREAMS);
  expect((await server.ask("state")).openStreams).toBeLessThan(MAX_NEW_STREAMS / 2 + MAX_STREAMS_PER_CONNECTION);
  const other = (await attacker({ from: "127.0.0.3" })).open(DELTA);
  void other.write(HELLO);
  await until(() => other.messages() === 1);
});

it("streams opened and reset at once", async () => {
  const raw = await rawConnection(address);
  let at = 1;
  for (; at < 200_000 && !raw.socket.destroyed; ) {
    const frames: Buffer[] = [];
    for (let count = 0; count < 500; count++, at += 2) {
      frames.push(http2Frame(FRAME.headers, { flags: 4, stream: at, payload: GRPC_HEADERS }));
      frames.push(http2Frame(FRAME.reset, { stream: at, payload: Buffer.from([0, 0, 0, 8]) }));
    }
    if (!raw.socket.write(Buffer.concat(frames))) await Promise.race([pause(5), raw.closed]);
  }
  await raw.closed;
  await until(async () => (await server.ask("state")).openStreams < 100);
});

it("a stream that asks for everything and reads nothing, while 10 000 changes come", async () => {
  const { open } = await attacker();
  const opened = open(DELTA, { read: false });
  for (const typeUrl of [CLUSTER, ENDPOINT]) {
    void opened.write(delta({ node: NODE, typeUrl, resourceNamesSubscribe: ["*"] }));
  }
  await server.ask("update", 10_000);
  expect(opened.stream.destroyed).toBe(false);
});

it("a storm of ACKs that repeat a thousand names", async () => {
  const resourceNames = Array.from({ length: CLUSTERS }, (_, index) => `c${index}`);
  const opened = await stream(SOTW, sotw({ node: NODE, typeUrl: ENDPOINT, resourceNames }));
  await until(() => opened.messages() === 1);
  const ack = sotw({ typeUrl: ENDPOINT, resourceNames, responseNonce: "none", versionInfo: "1" });
  for (let count = 0; count < 5_000; count++) await opened.write(ack);
  expect(opened.stream.destroyed).toBe(false);
  expect(opened.messages()).toBe(1);
});

it("a storm of NACKs with texts of a mebibyte", async () => {
  const opened = await stream(DELTA, HELLO);
  const nack = delta({
    typeUrl: CLUSTER,
    responseNonce: "none",
    errorDetail: { code: 3, message: "x".repeat(2 ** 20) },
  });
  for (let count = 0; count < 100; count++) await opened.write(nack);
  expect(opened.stream.destroyed).toBe(false);
  expect(opened.messages()).toBe(1);
});

it("nonces that answer nothing", async () => {
  const opened = await stream(DELTA, HELLO);
  const { staleNonces } = await server.ask("state");
  for (let count = 0; count < 20_000; count++) {
    void opened.write(delta({ typeUrl: CLUSTER, responseNonce: randomBytes(8).toString("hex") }));
  }
  await until(async () => (await server.ask("state")).staleNonces >= staleNonces + 20_000);
});

it("more types than there are", async () => {
  const opened = await stream(DELTA, HELLO);
  for (let type = 0; type <= MAX_TYPES_PER_STREAM; type++) void opened.write(delta({ typeUrl: `type/${type}` }));
  expect(await opened.ended).toMatchObject({ code: INVALID_ARGUMENT, message: expect.stringContaining("types") });
});

it("methods that are not served, with strange paths", async () => {
  for (const path of ["/no.Service/Method", "/", `/${"x".repeat(8_000)}`, "/%00%ff/\u00ff"]) {
    const { open, closed } = await attacker();
    const some = Array.from({ length: MAX_FAILED_STREAMS - 1 }, () => open(path).ended);
    for (const end of await Promise.all(some)) expect(end).toMatchObject({ code: UNIMPLEMENTED, http: 200 });
    for (let more = 0; more < 100; more++) open(path);
    await closed;
  }
});

it("another content type", async () => {
  const { open } = await attacker();
  const end = await open(DELTA, { headers: { "content-type": "text/html" } }).ended;
  expect(end).toMatchObject({ http: 415, code: null });
});

it("headers of 60 kB on 500 streams, and header blocks that do not end", async () => {
  const { open } = await attacker();
  const ends = Array.from({ length: 500 }, () => open(DELTA, { headers: { fat: "x".repeat(60_000) } }).ended);
  for (const end of await Promise.all(ends)) expect(end.code).toBeNull();
  const raw = await rawConnection(address);
  raw.socket.write(http2Frame(FRAME.headers, { stream: 1, payload: GRPC_HEADERS }));
  const more = http2Frame(FRAME.continuation, { stream: 1, payload: headerBlock({ a: "x".repeat(100) }) });
  expect(await raw.flood(more, 2 ** 25)).toBe(false);
});

it.each([
  ["pings", http2Frame(FRAME.ping, { payload: Buffer.alloc(8) })],
  ["settings", http2Frame(FRAME.settings, { payload: Buffer.from([0, 3, 0, 0, 0, 100]) })],
  ["frames of an unknown type", http2Frame(77)],
])("a flood of %s", async (_kind, frame) => {
  const raw = await rawConnection(address);
  await raw.flood(frame, 2 ** 28);
  await raw.closed;
  expect(await endedFor("flood")).toBeLessThanOrEqual(1);
});

it("a flood of empty data frames, and of windows of one byte", async () => {
  for (const frame of [
    http2Frame(FRAME.data, { stream: 1 }),
    http2Frame(FRAME.window, { stream: 1, payload: Buffer.from([0, 0, 0, 1]) }),
  ]) {
    const raw = await rawConnection(address);
    // A window of nothing: each update lets one byte of the response out.
    raw.socket.write(http2Frame(FRAME.settings, { payload: Buffer.from([0, 4, 0, 0, 0, 0]) }));
    raw.socket.write(http2Frame(FRAME.headers, { flags: 4, stream: 1, payload: GRPC_HEADERS }));
    const everything = delta({ node: NODE, typeUrl: CLUSTER, resourceNamesSubscribe: ["*"] });
    raw.socket.write(http2Frame(FRAME.data, { stream: 1, payload: everything }));
    await raw.flood(frame, 2 ** 28);
    await raw.closed;
  }
});

it("empty requests without end", async () => {
  const perType = await stream(pathOf(true, CLUSTER), HELLO);
  for (let count = 0; count < 100; count++) await perType.write(repeat(framed(Buffer.alloc(0)), 1_000));
  expect(perType.stream.destroyed).toBe(false);
  const first = await stream(DELTA, repeat(framed(Buffer.alloc(0)), 1_000));
  expect(await first.ended).toMatchObject({ code: INVALID_ARGUMENT });
});

it("64 MiB packed into 64 kB", async () => {
  const bomb = framed(gzipSync(Buffer.alloc(2 ** 26)), { flag: 1 });
  const { open } = await attacker();
  const ends = Array.from({ length: 20 }, () => {
    const opened = open(DELTA, { headers: { "grpc-encoding": "gzip" } });
    void opened.write(bomb);
    return opened.ended;
  });
  for (const end of await Promise.all(ends)) expect(end.code).toBe(UNIMPLEMENTED);
});

it("bytes that are no message", async () => {
  for (const bytes of [
    randomBytes(100_000),
    Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f]),
    Buffer.alloc(1_000, 0xff),
  ]) {
    const opened = await stream(DELTA, HELLO, framed(bytes));
    expect(await opened.ended).toMatchObject({ code: INVALID_ARGUMENT });
  }
});

it("groups in groups, and millions of unknown fields", async () => {
  for (const bytes of [Buffer.alloc(2 ** 22, 0x7b), repeat(UNKNOWN_FIELD, 2 ** 22)]) {
    const opened = await stream(SOTW, HELLO_SOTW, framed(bytes));
    expect(await opened.ended).toMatchObject({ code: INVALID_ARGUMENT });
  }
});

it("100 000 names subscribed to and left again, over and over", async () => {
  const opened = await stream(DELTA, HELLO);
  const all = names(MAX_NAMES - 1);
  const [come, go] = [
    delta({ typeUrl: ENDPOINT, resourceNamesSubscribe: all }),
    delta({ typeUrl: ENDPOINT, resourceNamesUnsubscribe: all }),
  ];
  for (let round = 0; round < 5; round++) {
    await opened.write(come);
    await opened.write(go);
  }
  void opened.write(delta({ typeUrl: CLUSTER, resourceNamesSubscribe: ["c1"] }));
  const { requests } = await server.ask("state");
  await until(async () => (await server.ask("state")).requests > requests);
  expect(opened.stream.destroyed).toBe(false);
});

it("100 000 names in state of the world, and then 100 000 others", async () => {
  const opened = await stream(SOTW, HELLO_SOTW);
  await until(() => opened.messages() === 1);
  const { requests } = await server.ask("state");
  for (let round = 0; round < 3; round++) {
    void opened.write(sotw({ typeUrl: ENDPOINT, resourceNames: names(MAX_NAMES, round * MAX_NAMES) }));
  }
  void opened.write(sotw({ typeUrl: CLUSTER, resourceNames: ["c1"] }));
  await until(async () => (await server.ask("state")).requests >= requests + 4);
  expect(opened.stream.destroyed).toBe(false);
});

it("100 000 globs subscribed to and left again", async () => {
  const opened = await stream(DELTA, HELLO);
  const globs = names(MAX_NAMES - 1).map((name) => `xdstp://a/b/${name}/*`);
  const { requests } = await server.ask("state");
  void opened.write(delta({ typeUrl: ENDPOINT, resourceNamesSubscribe: globs }));
  void opened.write(delta({ typeUrl: ENDPOINT, resourceNamesUnsubscribe: globs }));
  void opened.write(delta({ typeUrl: CLUSTER, resourceNamesSubscribe: ["c1"] }));
  await until(async () => (await server.ask("state")).requests >= requests + 3);
  expect(opened.stream.destroyed).toBe(false);
});

it("100 000 versions on a first request, of a known fleet and of none", async () => {
  const initialResourceVersions = Object.fromEntries(names(MAX_NAMES).map((name) => [name, "0123456789abcdef"]));
  const known = await stream(DELTA, delta({ node: NODE, typeUrl: CLUSTER, initialResourceVersions }));
  await until(() => known.messages() > 0);
  const stranger = await stream(
    DELTA,
    delta({ node: { id: "x", cluster: "none" }, typeUrl: CLUSTER, initialResourceVersions }),
  );
  expect(await stranger.ended).toMatchObject({
    code: RESOURCE_EXHAUSTED,
    message: expect.stringContaining("known fleet"),
  });
});

it("names of 4 kB for type after type, until the stream's memory is used up", async () => {
  const opened = await stream(DELTA, HELLO);
  for (let type = 0; type < 20; type++) {
    const resourceNamesSubscribe = names(1_500, type * 10_000).map((name) => name.padEnd(4_000, "x"));
    void opened.write(delta({ typeUrl: `type/${type}`, resourceNamesSubscribe }));
  }
  expect(await opened.ended).toMatchObject({
    code: RESOURCE_EXHAUSTED,
    message: expect.stringContaining("a stream's names"),
  });
});

it("two hundred requests of 20 000 names at once", async () => {
  const all = delta({ typeUrl: ENDPOINT, resourceNamesSubscribe: names(20_000) });
  const opened = await stream(DELTA, HELLO);
  const { requests } = await server.ask("state");
  for (let count = 0; count < 200; count++) await opened.write(all);
  await until(async () => (await server.ask("state")).requests >= requests + 200);
  expect(opened.stream.destroyed).toBe(false);
});

it("the state of all clients, asked for over and over, and not read", async () => {
  const { open } = await attacker();
  // An answer of 6 MiB: more than 8 are not given.
  const nodes = Array.from({ length: 12 }, () => open(DELTA));
  for (const node of nodes) {
    for (const typeUrl of [CLUSTER, ENDPOINT]) {
      void node.write(delta({ node: NODE, typeUrl, resourceNamesSubscribe: ["*"] }));
    }
  }
  await until(() => nodes.every((node) => node.messages() >= 2));
  const reading = open(STATUS);
  for (let count = 0; count < 10; count++) void reading.write(framed(Buffer.alloc(0)));
  await until(() => reading.messages() > 0);
  const ends = Array.from({ length: 20 }, () => {
    const opened = open(STATUS, { read: false });
    void opened.write(framed(Buffer.alloc(0)));
    return opened.ended;
  });
  expect(await Promise.race(ends)).toMatchObject({
    code: RESOURCE_EXHAUSTED,
    message: expect.stringContaining("wait to be read"),
  });
});

it("no HTTP/2 at all", async () => {
  for (const text of [
    "GET / HTTP/1.1\r\nhost: x\r\n\r\n",
    "\x16\x03\x01\x02\x00\x01\x00",
    randomBytes(100_000).toString("latin1"),
  ]) {
    const raw = await rawConnection(address, false);
    raw.socket.write(Buffer.from(text, "latin1"));
    await raw.closed;
  }
});

it("2 000 streams that never ask", async () => {
  const two = [await attacker(), await attacker()];
  for (const { open } of two) for (let count = 0; count < 1_000; count++) open(SOTW);
  await Promise.all(two.map(({ closed }) => closed));
  expect(await endedFor("silent")).toBeGreaterThanOrEqual(2 * MAX_FAILED_STREAMS);
  expect(await endedFor("futile")).toBe(2);
});

it("a request that comes byte by byte, first or later", async () => {
  expect(await slow.drip).toMatchObject({ code: INVALID_ARGUMENT, message: expect.stringContaining("15 seconds") });
  expect(await slow.drippedLate).toMatchObject({
    code: DEADLINE_EXCEEDED,
    message: expect.stringContaining("30 seconds"),
  });
});

it("a stream that never asks", async () => {
  expect(await slow.silent).toMatchObject({ code: INVALID_ARGUMENT, message: expect.stringContaining("15 seconds") });
});

it("connections on which nothing is said", async () => {
  await slow.mute;
});

it("gives back what clients took", async () => {
  await until(async () => {
    const { clientBytes, openStreams } = await server.ask("state");
    return openStreams < 10 && clientBytes < 10 * STREAM_BYTES;
  });
});
