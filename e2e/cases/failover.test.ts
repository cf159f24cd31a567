/** A connection that cannot be made is tried on another endpoint; what was sent, only where that does no harm. */
import { createServer, type Server, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startBlackHole } from "../harness/blackHole.ts";
import { e2e, type ProxyName, proxyNames } from "../harness/context.ts";
import { type Document, route } from "../harness/model.ts";
import { until } from "../harness/process.ts";
import { ask, deadPort, greetingOf, serve } from "../harness/serve.ts";
import { startEcho, startTcpEcho, type Upstream } from "../harness/upstream.ts";

const REQUESTS = 60;
const host = "failover.e2e.example";
/** Of the black hole. */
const CONNECT = "300ms";
let live: Upstream;
let tcp: Upstream;
let stale: StaleServer;
let blackHole: { readonly port: number; readonly close: () => void };

beforeAll(async () => {
  [live, tcp, stale, blackHole] = await Promise.all([
    startEcho("live"),
    startTcpEcho("tcp"),
    startStale(),
    startBlackHole(),
  ]);
  const dead = deadPort();
  const prefixes = ["half", "least", "none", "alone", "stale", "hole", "silent"];
  await serve({
    listeners: [{ name: "bytes", fleets: [...proxyNames], port: e2e().ports.tcp, protocol: "TCP" }],
    clusters: [
      of("half", [live.port, dead]),
      { ...of("least", [live.port, dead]), balance: { policy: "leastRequest" } },
      of("none", [dead, dead + 1]),
      of("alone", [dead]),
      of("stale", [stale.port]),
      { ...of("hole", [live.port, blackHole.port]), timeouts: { connect: CONNECT } },
      of("silent", [live.port]),
      of("bytes", [tcp.port, dead]),
    ],
    routes: [
      route(
        "failover",
        host,
        ...prefixes.map((name) => ({
          matches: [{ path: { prefix: `/${name}` } }],
          split: [{ cluster: name }],
          ...(name === "silent" ? { timeouts: { idle: "700ms" } } : {}),
        })),
      ),
      { name: "bytes", protocol: "tcp", listeners: ["bytes"], rules: [{ split: [{ cluster: "bytes" }] }] },
    ],
  });
  for (const proxy of proxyNames) await until("listens", async () => ((await greetingOf(proxy)) === "" ? null : true));
});

afterAll(async () => {
  blackHole.close();
  await Promise.all([live, tcp, stale].map((upstream) => upstream.close()));
});

function of(name: string, ports: readonly number[]): Document {
  return { name, endpoints: ports.map((port) => ({ address: "127.0.0.1", port })) };
}

interface StaleServer {
  readonly port: number;
  readonly close: () => Promise<void>;
}

/** Answers one request on each connection, and closes it when another one comes: as one that gave up an idle connection just then. */
async function startStale(): Promise<StaleServer> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    let served = false;
    sockets.add(socket.on("close", () => sockets.delete(socket)));
    socket.on("error", () => {});
    socket.on("data", () => {
      if (served) return void socket.destroy();
      served = true;
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstale");
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as { port: number };
  const close = (): Promise<void> =>
    new Promise((done) => {
      server.close(() => done());
      for (const socket of sockets) socket.destroy();
    });
  return { port, close };
}

async function statuses(proxy: ProxyName, path: string, request: { method?: string; body?: string } = {}) {
  const found: Record<string, number> = {};
  for (let turn = 0; turn < REQUESTS; turn++) {
    const { status } = await ask(proxy, { host, path, ...request });
    found[String(status)] = (found[String(status)] ?? 0) + 1;
  }
  return found;
}

describe.each([...proxyNames])("%s", (proxy) => {
  it("loses no request to an endpoint that refuses connections, whatever the method", async () => {
    expect(await statuses(proxy, "/half")).toEqual({ 200: REQUESTS });
    expect(await statuses(proxy, "/half", { method: "POST", body: "once" })).toEqual({ 200: REQUESTS });
    expect(await statuses(proxy, "/half", { method: "PATCH", body: "once" })).toEqual({ 200: REQUESTS });
  });
  it("loses none with leastRequest", async () => {
    const found = await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(() => ask(proxy, { host, path: "/least" })));
    expect(found.map(({ status }) => status)).toEqual(found.map(() => 200));
  });
  it("loses none to an endpoint that says nothing at all", async () => {
    const found = await Promise.all([1, 2, 3, 4, 5, 6].map(() => ask(proxy, { host, path: "/hole" })));
    expect(found.map(({ status }) => status)).toEqual(found.map(() => 200));
  });
  it("answers 503 when all are gone", async () => {
    expect((await ask(proxy, { host, path: "/none" })).status).toBe(503);
    expect((await ask(proxy, { host, path: "/alone" })).status).toBe(503);
  });
  it("sends a request again that met a connection which the endpoint had closed, and no POST", async () => {
    const found: number[] = [];
    for (let turn = 0; turn < 10; turn++) found.push((await ask(proxy, { host, path: "/stale" })).status);
    expect(found).toEqual(found.map(() => 200));
    const posted: number[] = [];
    for (let turn = 0; turn < 10; turn++)
      posted.push((await ask(proxy, { host, path: "/stale", method: "POST", body: "x" })).status);
    expect(new Set(posted)).toEqual(new Set([200, 502]));
  });
  it("does not send a request again after silence", async () => {
    const before = live.seen();
    const { status } = await ask(proxy, { host, path: "/silent", headers: [["x-e2e", "hang"]] });
    expect(status).toBe(504);
    expect(live.seen() - before).toBe(1);
  });
  it("loses no TCP connection", async () => {
    const found = new Set<string>();
    for (let turn = 0; turn < REQUESTS; turn++) found.add(await greetingOf(proxy));
    expect([...found]).toEqual(["tcp"]);
  });
});
