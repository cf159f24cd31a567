/**
 * TLS listeners: connections go where the server name says, passed through as they are or with TLS ended, and bytes flow as over TCP.
 * Rows are what a client asks for, and which endpoint it gets on all three proxies.
 */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { e2e, type ProxyName, proxyAddresses, proxyNames } from "../harness/context.ts";
import { cluster, type Document } from "../harness/model.ts";
import { freePort } from "../harness/ports.ts";
import { until } from "../harness/process.ts";
import { type Reader, startReader, v1, v2 } from "../harness/proxyProtocol.ts";
import { connectionOn, connectTo } from "../harness/rawHttp.ts";
import { applyPart, serve } from "../harness/serve.ts";
import { certificateMaker, type Hello, type Maker, sayInTheClear, shake } from "../harness/tls.ts";
import {
  type BytesUpstream,
  type Greeted,
  greet,
  helloFor,
  inRecords,
  piecewise,
  rest,
  startBytes,
} from "../harness/tlsBytes.ts";

const IDLE_MS = 1_000;
/** Proxies look at timers when something else wakes them. */
const EARLY_MS = 50;
/** How long a hello may take, as the page says. */
const HELLO_MS = 15_000;
/** How long one waits for an endpoint that is full. */
const WAIT_MS = 5_000;
const CLIENT = "192.0.2.7";
/** Bytes of a hello in a record: the name is cut, or whole in one of them. */
const RECORDS = [200, 600, 1_000];
/** What a packet holds, and what of that is of IP and TCP. */
const ETHERNET_BYTES = 1_500;
const PACKET_HEAD_BYTES = 52;
const LISTENERS = ["passed", "any", "ended", "first", "limited", "headed", "idle", "sharedname", "waiting"] as const;
type ListenerName = (typeof LISTENERS)[number];

let maker: Maker;
/** How long connections lasted on which no hello came, in milliseconds; begun before all else. */
let silent: Promise<readonly number[]>;
/** Connections that were silent since then, and when that was. */
let greeted: readonly Greeted[];
let since: number;
let reader: Reader;
const upstreams: Record<string, BytesUpstream> = {};
const ports: Record<string, number> = {};

const upstream = (name: string): BytesUpstream => upstreams[name] as BytesUpstream;

/** One of TLS on its own port, or `sharedname-…` on the port of `sharedname`. */
function on(name: string, tls: object, more: object = {}): Document {
  const port = ports[name.split("-")[0] as string];
  return { name, fleets: [...proxyNames], port, protocol: "TLS", tls, ...more };
}

interface Place {
  readonly listeners: readonly string[];
  readonly hostnames?: readonly string[];
}

function route(name: string, to: string | readonly string[], place: Place) {
  const split = [to].flat().map((each) => ({ cluster: each }));
  return { name, ...place, protocol: "tls", rules: [{ split }] };
}

beforeAll(async () => {
  maker = certificateMaker(join(e2e().workDir, "tls-routes"));
  for (const name of LISTENERS) ports[name] = await freePort(...Object.values(proxyAddresses));
  const wide = maker.make("wide", { names: "DNS:*.ended.example,DNS:ended.example" });
  const exact = maker.make("exact", { names: "DNS:exact.ended.example" });
  const behind = maker.make("behind", { names: "DNS:*.passed.example" });
  const inside = { cert: behind.chain, key: behind.privateKey, ALPNProtocols: ["mqtt", "http/1.1"] };
  for (const name of ["one", "two", "deep", "any"]) upstreams[name] = await startBytes(name, inside);
  for (const name of ["clear", "other"]) upstreams[name] = await startBytes(name);
  reader = await startReader();
  for (const name of proxyNames) if (name !== "haproxy") rmSync(logOf(name), { force: true });
  const log = (name: ProxyName): object => (name === "haproxy" ? {} : { path: logOf(name) });
  const passthrough = { mode: "passthrough" };
  await serve({
    fleets: proxyNames.map((name) => ({ name, proxy: name, bindAddress: proxyAddresses[name], accessLog: log(name) })),
    certificates: [
      { name: "wide", ...wide },
      { name: "exact", ...exact },
    ],
    listeners: [
      on("passed", passthrough),
      on("any", passthrough),
      on("ended", { certificates: ["wide", "exact"], alpn: ["mqtt", "xmpp-client"] }),
      on("first", { certificates: ["wide", "exact"], unknownServerName: "first", maxVersion: "1.2" }),
      on("limited", passthrough, { connectionLimit: { max: 2 } }),
      on("headed", passthrough, { proxyProtocol: { mode: "required" } }),
      on("idle", { certificates: ["wide"] }, { idleTimeout: `${IDLE_MS}ms` }),
      on("waiting", { certificates: ["wide"] }, { fleets: ["haproxy"] }),
      on("sharedname", passthrough, { hostname: "*.passed.example" }),
      on("sharedname-one", passthrough, { hostname: "one.passed.example" }),
    ],
    clusters: [
      ...Object.entries(upstreams).map(([name, { port }]) => cluster(name, port)),
      { ...cluster("reader", reader.port), proxyProtocol: "v1" },
      { name: "nobody", endpoints: [] },
      {
        name: "full",
        endpoints: [upstream("clear"), upstream("other")].map(({ port }) => ({ address: "127.0.0.1", port })),
        balance: { policy: "hash", hash: { by: "source" } },
        limits: { maxConnectionsPerEndpoint: 1 },
        timeouts: { connect: "30s" },
      },
    ],
    routes: [
      route("one", "one", { listeners: ["passed", "limited", "headed"], hostnames: ["one.passed.example"] }),
      route("wide", ["two", "any"], { listeners: ["passed"], hostnames: ["*.passed.example"] }),
      route("deep", "deep", { listeners: ["passed"], hostnames: ["*.deep.passed.example"] }),
      route("none", "nobody", { listeners: ["passed"], hostnames: ["none.passed.example"] }),
      route("any", "any", { listeners: ["any"] }),
      route("exact", "clear", { listeners: ["ended", "first"], hostnames: ["exact.ended.example"] }),
      route("wide-ended", "other", { listeners: ["ended", "first", "idle"], hostnames: ["*.ended.example"] }),
      route("reader", "reader", { listeners: ["ended"], hostnames: ["reader.ended.example"] }),
      route("full", "full", { listeners: ["waiting"], hostnames: ["full.ended.example"] }),
      route("rest", "other", { listeners: ["first"] }),
      route("shared-wide", "two", { listeners: ["sharedname"] }),
      route("shared-one", "one", { listeners: ["sharedname-one"], hostnames: ["one.passed.example"] }),
    ],
  } as Record<string, Document[]>);
  const lasts = async (proxy: ProxyName, listener: ListenerName): Promise<number> => {
    const started = performance.now();
    await sayInTheClear(at(proxy, listener), "", 2 * HELLO_MS);
    return performance.now() - started;
  };
  silent = Promise.all(proxyNames.flatMap((proxy) => [lasts(proxy, "passed"), lasts(proxy, "ended")]));
  since = performance.now();
  greeted = await Promise.all(proxyNames.map((proxy) => open(proxy, "ended", { serverName: "b.ended.example" })));
  for (const { socket } of greeted) socket.setTimeout(0);
});

afterAll(async () => {
  await Promise.all([reader, ...Object.values(upstreams)].map((each) => each.close()));
});

function logOf(proxy: ProxyName): string {
  return proxy === "haproxy" ? e2e().proxies.haproxy.child.logFile : join(e2e().workDir, `tls-routes-${proxy}.jsonl`);
}

/** What the proxy has written down, beside its own messages. */
function logged(proxy: ProxyName): Record<string, unknown>[] {
  const lines = existsSync(logOf(proxy)) ? readFileSync(logOf(proxy), "utf8").split("\n") : [];
  return lines.filter((line) => /^\{"bytes_received.*\}$/.test(line)).map((line) => JSON.parse(line));
}

function at(proxy: ProxyName, listener: ListenerName): Pick<Hello, "address" | "port"> {
  return { address: proxyAddresses[proxy], port: ports[listener] as number };
}

/** A connection that an endpoint has greeted. */
async function open(
  proxy: ProxyName,
  listener: ListenerName,
  hello: Omit<Hello, "address" | "port">,
): Promise<Greeted> {
  const done = await greet({ ...at(proxy, listener), ...hello });
  if (done === null) throw new Error("nobody has greeted");
  return done;
}

/** Who greets, and who is shown. */
async function seen(proxy: ProxyName, listener: ListenerName, hello: Omit<Hello, "address" | "port">) {
  const done = await greet({ ...at(proxy, listener), ca: maker.authority, ...hello });
  done?.socket.destroy();
  return done === null ? null : { ...done.greeting, shown: done.shown };
}

type Row = readonly [string | null, ListenerName, readonly string[] | null, string?];

/** The name that is asked for, the listener, the endpoints that may greet, and whose certificate is shown; null: there is no handshake. */
const rows: readonly Row[] = [
  ["one.passed.example", "passed", ["one"]],
  ["One.PASSED.example", "passed", ["one"]],
  ["b.passed.example", "passed", ["two", "any"]],
  ["a.b.passed.example", "passed", ["two", "any"]],
  ["deep.passed.example", "passed", ["two", "any"]],
  ["a.deep.passed.example", "passed", ["deep"]],
  ["a.b.deep.passed.example", "passed", ["deep"]],
  ["passed.example", "passed", null],
  ["none.passed.example", "passed", null],
  ["nobody.example", "passed", null],
  [null, "passed", null],
  ["nobody.example", "any", ["any"]],
  [null, "any", ["any"]],
  ["one.passed.example", "sharedname", ["one"]],
  ["b.passed.example", "sharedname", ["two"]],
  ["nobody.example", "sharedname", null],
  [null, "sharedname", null],
  ["exact.ended.example", "ended", ["clear"], "exact"],
  ["b.ended.example", "ended", ["other"], "wide"],
  ["B.Ended.example", "ended", ["other"], "wide"],
  ["ended.example", "ended", null],
  ["nobody.example", "ended", null],
  [null, "ended", null],
  ["exact.ended.example", "first", ["clear"], "exact"],
  ["nobody.example", "first", ["other"], "wide"],
  [null, "first", ["other"], "wide"],
];

const named = rows.map(([serverName, listener, names, shown]) => ({ serverName, listener, names, shown }));

describe.each(proxyNames)("%s", (proxy) => {
  it.each(named)("$serverName on $listener reaches $names", async ({ serverName, listener, names, shown }) => {
    const greeting = await seen(proxy, listener, { serverName });
    if (names === null) return expect(greeting).toBeNull();
    expect(names).toContain(greeting?.name);
    // Who ends TLS is asked for the name, with its case.
    const isPassed = shown === undefined;
    expect(greeting).toMatchObject({ serverName: isPassed ? serverName : null, shown: shown ?? "behind" });
  });

  it("takes a hello that comes in pieces", async () => {
    for (const listener of ["passed", "ended"] as const) {
      const serverName = listener === "passed" ? "one.passed.example" : "b.ended.example";
      const socket = await piecewise(at(proxy, listener), 3, 120, 700);
      const { greeting } = await open(proxy, listener, { serverName, socket });
      expect(greeting.name).toBe(listener === "passed" ? "one" : "other");
      socket.destroy();
    }
  });

  it("takes a hello that comes in several records; HAProxy closes it where it looks for the name", async () => {
    const rows = [
      ["passed", "one.passed.example", "one"],
      ["any", "one.passed.example", "any"],
      ["ended", "b.ended.example", "other"],
    ] as const;
    const told = rows.flatMap(([listener, serverName, name]) =>
      RECORDS.flatMap((size) =>
        [false, true].map(async (isSlow) => {
          const socket = await inRecords(at(proxy, listener), size, isSlow);
          const done = await greet({ ...at(proxy, listener), serverName, socket });
          socket.destroy();
          const expected = proxy === "haproxy" && listener !== "ended" ? null : name;
          return [`${listener} ${size} ${isSlow}`, done?.greeting.name ?? null, expected];
        }),
      ),
    );
    for (const [row, seenName, expected] of await Promise.all(told)) expect([row, seenName]).toEqual([row, expected]);
  });

  it("takes a hello of post-quantum keys, which is larger than a packet", async () => {
    const serverName = "one.passed.example";
    expect((await helloFor(serverName)).length).toBeGreaterThan(ETHERNET_BYTES);
    for (const [listener, own] of [
      ["passed", serverName],
      ["ended", "b.ended.example"],
    ] as const) {
      const socket = await piecewise(at(proxy, listener), ETHERNET_BYTES - PACKET_HEAD_BYTES);
      const { greeting } = await open(proxy, listener, { serverName: own, socket });
      expect(greeting.name).toBe(listener === "passed" ? "one" : "other");
      socket.destroy();
    }
  });

  it("closes what is no TLS, and no endpoint sees it", async () => {
    const before = Object.values(upstreams).map((each) => each.connections());
    for (const listener of ["passed", "any"] as const)
      expect(await sayInTheClear(at(proxy, listener), "GET / HTTP/1.1\r\nHost: one.passed.example\r\n\r\n")).toBe("");
    expect(Object.values(upstreams).map((each) => each.connections())).toEqual(before);
    expect(await sayInTheClear(at(proxy, "ended"), "GET / HTTP/1.1\r\nHost: one.passed.example\r\n\r\n")).toBe("");
  });

  it("agrees on what the listener says", async () => {
    const ALPNProtocols = ["xmpp-client", "mqtt"];
    const { alpn, version, socket } = await open(proxy, "ended", { serverName: "b.ended.example", ALPNProtocols });
    socket.destroy();
    expect([alpn, version]).toEqual(["mqtt", "TLSv1.3"]);
    const old = await open(proxy, "first", { serverName: "b.ended.example" });
    old.socket.destroy();
    expect([old.alpn, old.version]).toEqual([null, "TLSv1.2"]);
    const OLD = { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" } as const;
    expect(await shake({ ...at(proxy, "ended"), serverName: "b.ended.example", ...OLD })).toBeNull();
    const passed = await seen(proxy, "passed", { serverName: "one.passed.example", ALPNProtocols: ["mqtt"] });
    expect(passed?.alpn).toBe("mqtt");
  });

  it("keeps the other direction open, and loses nothing", async () => {
    const sent = Buffer.alloc(1024 * 1024, "0123456789abcdef\n").toString();
    const both = { passed: "one.passed.example", ended: "b.ended.example" } as const;
    const told = Object.entries(both).map(async ([listener, serverName]) => {
      const { socket } = await open(proxy, listener as ListenerName, { serverName });
      const back = rest(socket);
      socket.end(sent);
      return (await back) === `${sent}after half-close\n`;
    });
    expect(await Promise.all(told)).toEqual([true, true]);
  });

  it("counts connections", async () => {
    const hello = { serverName: "one.passed.example" };
    const held = [await open(proxy, "limited", hello), await open(proxy, "limited", hello)];
    expect(await greet({ ...at(proxy, "limited"), ...hello })).toBeNull();
    held[0]?.socket.destroy();
    const next = await until("one is free again", () => greet({ ...at(proxy, "limited"), ...hello }));
    for (const { socket } of [...held, next]) socket.destroy();
  });

  it.each([
    ["v1", v1],
    ["v2", v2],
  ] as const)("reads a PROXY header of %s before the hello, and closes without", async (_, header) => {
    const hello = { serverName: "one.passed.example" };
    const socket = await connectTo(at(proxy, "headed"));
    socket.write(header(CLIENT));
    const { greeting } = await open(proxy, "headed", { ...hello, socket });
    socket.destroy();
    expect(greeting.name).toBe("one");
    expect(await greet({ ...at(proxy, "headed"), ...hello })).toBeNull();
    const line = await until(
      "the line is there",
      async () => logged(proxy).find((each) => each.client_address === CLIENT) ?? null,
    );
    expect(line).toMatchObject({ listener: "headed", cluster: "one", endpoint: `127.0.0.1:${upstream("one").port}` });
  });

  it("tells endpoints who the client is", async () => {
    const done = await shake({ ...at(proxy, "ended"), serverName: "reader.ended.example" });
    if (done === null) throw new Error("no handshake");
    const answer = await connectionOn(done.socket).request({ path: "/", host: "reader.ended.example" });
    done.socket.destroy();
    expect(JSON.parse(answer.body)).toEqual({ version: "v1", client: "127.0.0.1" });
  });

  it("writes down each connection once, and none that goes nowhere", async () => {
    const serverName = "exact.ended.example";
    const { socket } = await open(proxy, "ended", { serverName });
    const back = rest(socket);
    socket.end("x".repeat(1_000));
    await back;
    const expected = { listener: "ended", cluster: "clear", client_address: "127.0.0.1", bytes_received: 1_000 };
    const found = await until("the line is there", async () => {
      const lines = logged(proxy).filter((each) => each.cluster === "clear" && each.bytes_received === 1_000);
      return lines.length > 0 ? lines : null;
    });
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject(expected);
    expect(found[0]?.endpoint).toBe(`127.0.0.1:${upstream("clear").port}`);
    const nowhere = logged(proxy).filter(({ listener, endpoint }) => listener === "sharedname" && endpoint === "");
    expect(nowhere).toEqual([]);
  });
});

/** When a connection ended that said something three times, and nothing after; in milliseconds from the last time. */
async function silentFor(proxy: ProxyName): Promise<number> {
  const { socket } = await open(proxy, "idle", { serverName: "b.ended.example" });
  const ended = rest(socket).then(() => performance.now());
  let last = 0;
  for (let sent = 0; sent < 3; sent++) {
    await sleep(IDLE_MS * 0.6);
    last = performance.now();
    socket.write("x");
  }
  return (await ended) - last;
}

it("lets a connection wait on HAProxy for an endpoint that is full for 5 s, whatever connecting may take", async () => {
  const first = await open("haproxy", "waiting", { serverName: "full.ended.example" });
  const done = await shake({ ...at("haproxy", "waiting"), serverName: "full.ended.example", timeout: 2 * HELLO_MS });
  if (done === null) throw new Error("no handshake");
  const started = performance.now();
  expect(await rest(done.socket)).toBe("");
  const waited = performance.now() - started;
  expect(waited).toBeGreaterThan(WAIT_MS - EARLY_MS);
  expect(waited).toBeLessThan(2 * WAIT_MS);
  first.socket.destroy();
});

it("closes a connection that was silent for the idle timeout, and none before", async () => {
  const times = await Promise.all(proxyNames.map(silentFor));
  for (const time of times) expect(time).toBeGreaterThan(IDLE_MS - EARLY_MS);
});

it("closes a connection on which no hello comes, and none that is silent later", async () => {
  for (const time of await silent) {
    expect(time).toBeGreaterThan(HELLO_MS - EARLY_MS);
    expect(time).toBeLessThan(1.5 * HELLO_MS);
  }
  await sleep(Math.max(0, since + HELLO_MS + IDLE_MS - performance.now()));
  for (const { socket } of greeted) {
    const back = rest(socket);
    socket.end("still there\n");
    expect(await back).toBe("still there\nafter half-close\n");
  }
}, 60_000);

describe("a change elsewhere", () => {
  it("leaves connections alone", async () => {
    const held = await Promise.all(
      proxyNames.flatMap((proxy) => [
        open(proxy, "passed", { serverName: "one.passed.example" }),
        open(proxy, "ended", { serverName: "b.ended.example" }),
      ]),
    );
    await applyPart({
      routes: [route("reader", "clear", { listeners: ["ended"], hostnames: ["reader.ended.example"] })] as Document[],
    });
    for (const { socket } of held) {
      const back = rest(socket);
      socket.end("still there\n");
      expect(await back).toBe("still there\nafter half-close\n");
    }
  });
});
