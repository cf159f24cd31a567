/** Connections to endpoints that are kept: how many, for how long, and for how many requests. */
import { createServer, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { availableParallelism } from "node:os";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { e2e, type ProxyName, proxyNames } from "../harness/context.ts";
import { route } from "../harness/model.ts";
import { until } from "../harness/process.ts";
import { openConnection } from "../harness/rawHttp.ts";
import { ask, serve } from "../harness/serve.ts";

const host = "pool.e2e.example";
const MAX_IDLE = 2;
const IDLE_MS = 600;
const MAX_REQUESTS = 3;
/** Requests at a time: more than may stay idle, also of two workers. */
const AT_ONCE = 8;
/** HAProxy closes the last of them after five rounds of a third. */
const CLOSED_WITHIN_MS = 3 * IDLE_MS;

/** Requests on each connection that was made; a connection that is closed leaves `open`. */
interface Endpoint {
  readonly server: Server;
  readonly port: number;
  readonly requests: Map<Socket, number>;
  readonly open: Set<Socket>;
}

let counted: Endpoint;
let timed: Endpoint;
let bounded: Endpoint;

beforeAll(async () => {
  [counted, timed, bounded] = await Promise.all([startEndpoint(), startEndpoint(), startEndpoint()]);
  await serve({
    // HAProxy refuses it.
    listeners: [{ name: "counted", fleets: ["envoy", "nginx"], port: e2e().ports.http2, protocol: "HTTP" }],
    clusters: [
      of("counted", counted, { maxRequestsPerConnection: MAX_REQUESTS }),
      of("timed", timed, { idleTimeout: `${IDLE_MS}ms` }),
      of("bounded", bounded, { maxIdle: MAX_IDLE }),
    ],
    routes: [
      { ...route("counted", host, to("/", "counted")), listeners: ["counted"] },
      route("pools", host, to("/timed", "timed"), to("/bounded", "bounded")),
    ],
  });
});

afterAll(() => {
  for (const { server } of [counted, timed, bounded]) {
    server.close();
    server.closeAllConnections();
  }
});

function of(name: string, { port }: Endpoint, pool: object) {
  return { name, endpoints: [{ address: "127.0.0.1", port }], pool };
}

function to(prefix: string, cluster: string) {
  return { name: cluster, matches: [{ path: { prefix } }], split: [{ cluster }] };
}

/** Answers a little late, so that requests that come together have a connection each. */
async function startEndpoint(): Promise<Endpoint> {
  const [requests, open] = [new Map<Socket, number>(), new Set<Socket>()];
  const server = createServer({ keepAliveTimeout: 60_000 }, ({ socket, url }, response) => {
    requests.set(socket, (requests.get(socket) ?? 0) + 1);
    setTimeout(() => response.end("fine"), url === "/" ? 0 : 100);
  });
  server.on("connection", (socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return { server, port: (server.address() as AddressInfo).port, requests, open };
}

async function askTogether(proxy: ProxyName, path: string): Promise<void> {
  const all = await Promise.all(Array.from({ length: AT_ONCE }, () => ask(proxy, { host, path })));
  expect(new Set(all.map(({ status }) => status))).toEqual(new Set([200]));
}

it.each(["envoy", "nginx"] as const)("%s closes a connection after so many requests", async (proxy) => {
  counted.requests.clear();
  const client = await openConnection({ address: e2e().proxies[proxy].address, port: e2e().ports.http2 });
  for (let turn = 0; turn < 4 * MAX_REQUESTS; turn++) await client.request({ host, path: "/" });
  client.close();
  expect([...counted.requests.values()]).toEqual([MAX_REQUESTS, MAX_REQUESTS, MAX_REQUESTS, MAX_REQUESTS]);
});

describe.each([...proxyNames])("%s", (proxy) => {
  it("closes connections that were idle for so long", async () => {
    timed.requests.clear();
    const start = performance.now();
    await askTogether(proxy, "/timed");
    expect([timed.requests.size, timed.open.size]).toEqual([AT_ONCE, AT_ONCE]);
    await until("all are closed", () => (timed.open.size === 0 ? true : null));
    const took = performance.now() - start;
    expect(took).toBeGreaterThan(IDLE_MS / 2);
    expect(took).toBeLessThan(CLOSED_WITHIN_MS);
  });
  it.skipIf(proxy === "envoy")("keeps no more of them than it may", async () => {
    await askTogether(proxy, "/bounded");
    const workers = proxy === "nginx" ? availableParallelism() : 1;
    await until("the others are closed", () => (bounded.open.size <= MAX_IDLE * workers ? true : null));
    expect(bounded.open.size).toBeGreaterThan(0);
    bounded.server.closeAllConnections();
  });
});
