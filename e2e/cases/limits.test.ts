/** `cluster.limits`: what is too much for endpoints is refused at once, or waits where there is a queue; the same on all proxies. */
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { e2e, type ProxyName, proxyNames } from "../harness/context.ts";
import { cluster, type Document, route } from "../harness/model.ts";
import { until } from "../harness/process.ts";
import { connectTo } from "../harness/rawHttp.ts";
import { ask, serve } from "../harness/serve.ts";
import { startEcho, startTcpEcho, type Upstream } from "../harness/upstream.ts";

const host = "limits.e2e.example";
const MAX = 3;
const EACH = 2;
/** Of each cluster of a split. */
const HALF = 2;
/** So many draws leave one of two with less than two once in 4 000 runs. */
const DRAWS = 16;
const PENDING = 3;
/** Long enough that all requests of a case are there before the first one is answered. */
const SLOW_MS = 400;
/** Between two requests: Envoy counts one whose connection is being made as one that waits. */
const APART_MS = 10;
const QUEUE_TIMEOUT_MS = 200;
/** CPUs of the proxies: an Envoy gives each of them a connection, whatever the limit. */
const WORKERS = 2;
let echoes: Upstream[];
let tcpEcho: Upstream;

function limited(name: string, limits: object, ...upstreams: readonly Upstream[]): Document {
  return { ...cluster(name, ...upstreams.map(({ port }) => port)), limits };
}

beforeAll(async () => {
  echoes = await Promise.all(["a", "b"].map((name) => startEcho(`limits-${name}`)));
  tcpEcho = await startTcpEcho("limits-tcp");
  const [a, b] = echoes as [Upstream, Upstream];
  const { ports } = e2e();
  const to = (name: string) => ({ matches: [{ path: { prefix: `/${name}` } }], split: [{ cluster: name }] });
  const queue = { maxConnectionsPerEndpoint: EACH, maxPending: PENDING };
  const waits = { matches: [{ path: { prefix: "/waits" } }], split: [{ cluster: "waits" }] };
  const drops = { matches: [{ path: { prefix: "/drops" } }], split: [{ cluster: "drops" }] };
  const bytes = { split: [{ cluster: "bytes-a" }, { cluster: "bytes-b" }] };
  await serve({
    listeners: [
      { name: "limits-tcp", fleets: proxyNames, port: ports.tcp, protocol: "TCP" },
      { name: "limits-queue", fleets: ["envoy", "haproxy"], port: ports.http2, protocol: "HTTP" },
    ],
    clusters: [
      limited("requests", { maxRequests: MAX }, a, b),
      limited("connections", { maxConnections: MAX }, a, b),
      limited("each", { maxConnectionsPerEndpoint: EACH }, a, b),
      limited("half-a", { maxRequests: HALF }, a),
      limited("half-b", { maxRequests: HALF }, b),
      limited("bytes-a", { maxConnections: HALF }, tcpEcho),
      limited("bytes-b", { maxConnectionsPerEndpoint: HALF }, tcpEcho),
      limited("waits", queue, a),
      limited("drops", { ...queue, queueTimeout: `${QUEUE_TIMEOUT_MS}ms` }, a),
    ],
    routes: [
      route("limits", host, to("requests"), to("connections"), to("each"), {
        matches: [{ path: { prefix: "/halves" } }],
        split: [{ cluster: "half-a" }, { cluster: "half-b" }],
      }),
      { name: "limits-queue", listeners: ["limits-queue"], hostnames: [host], rules: [waits, drops] },
      { name: "limits-tcp", listeners: ["limits-tcp"], protocol: "tcp", rules: [bytes] },
    ],
  });
});

afterAll(async () => {
  await Promise.all([...echoes, tcpEcho].map((upstream) => upstream.close()));
});

interface Told {
  readonly status: number;
  readonly ms: number;
  readonly by: string;
  readonly body: string;
}

interface Flood {
  readonly path: string;
  readonly count: number;
  /** Default: that of the listener without a queue. */
  readonly port?: number;
}

/** So many slow requests, nearly at once; in their order. */
async function flood(proxy: ProxyName, { path, count, port }: Flood): Promise<readonly Told[]> {
  const sent: Promise<Told>[] = [];
  for (let index = 0; index < count; index++) {
    const request = { host, path, port: port ?? e2e().ports.http, headers: [["X-E2E", `slow=${SLOW_MS}`]] } as const;
    sent.push(
      ask(proxy, request).then(({ status, milliseconds, echo, body }) => {
        return { status, ms: milliseconds, by: echo?.name ?? "", body: echo === null ? body : "" };
      }),
    );
    await sleep(APART_MS);
  }
  return await Promise.all(sent);
}

function statuses(told: readonly Told[]): number[] {
  return told.map(({ status }) => status).sort();
}

function times(count: number, status: number): number[] {
  return Array.from({ length: count }, () => status);
}

/** The same of all proxies at a time. */
async function each(told: (proxy: ProxyName) => Promise<void>, proxies: readonly ProxyName[] = proxyNames) {
  await Promise.all(proxies.map(told));
}

const LIMITS = { "/requests": MAX, "/connections": MAX, "/each": 2 * EACH, "/halves": 2 * HALF } as const;

it.each(Object.entries(LIMITS))(
  "%s: takes %d requests at a time, 503 at once for others",
  { retry: 1 },
  async (path, most) => {
    const more = path === "/halves" ? DRAWS - most : 3;
    const before = echoes.map((echo) => echo.seen());
    await each(async (proxy) => {
      const told = await flood(proxy, { path, count: most + more });
      expect(statuses(told), proxy).toEqual([...times(most, 200), ...times(more, 503)]);
      for (const { status, ms, body } of told) {
        if (status !== 503) continue;
        expect(ms).toBeLessThan(SLOW_MS);
        expect(body).toBe("503 Service Unavailable\n");
      }
      // Envoy has one limit for all endpoints, and each worker takes its turns by itself.
      if (path !== "/each" || proxy === "envoy") return;
      const shares = ["limits-a", "limits-b"].map((name) => told.filter(({ by }) => by === name).length);
      expect(shares, proxy).toEqual([EACH, EACH]);
    });
    // Nothing was tried again on another endpoint.
    const seen = echoes.map((echo, index) => echo.seen() - before[index]!);
    expect(seen.reduce((sum, one) => sum + one)).toBe(proxyNames.length * most);
    // All is as before.
    await each(async (proxy) => expect((await ask(proxy, { host, path })).status).toBe(200));
  },
);

it(`closes more than ${2 * HALF} TCP connections`, { retry: 1 }, async () => {
  await each(async (proxy) => {
    const held: Socket[] = [];
    for (let index = 0; index < DRAWS; index++) {
      const socket = await taken(proxy);
      if (socket !== null) held.push(socket);
    }
    expect(held.length, proxy).toBe(2 * HALF);
    held.pop()?.destroy();
    held.push(await until("one is taken again", () => taken(proxy)));
    for (const socket of held) socket.destroy();
  });
});

/** nginx has none. */
const withQueue = ["envoy", "haproxy"] as const;

it(`lets ${PENDING} requests wait, and answers more 503 at once`, async () => {
  await each(async (proxy) => {
    const told = await flood(proxy, { path: "/waits", count: EACH + PENDING + 3, port: e2e().ports.http2 });
    const served = told.filter(({ status }) => status === 200);
    expect(told.filter(({ status }) => status === 503).length).toBe(told.length - served.length);
    if (proxy === "haproxy") expect(served.length).toBe(EACH + PENDING);
    else {
      expect(served.length).toBeGreaterThanOrEqual(PENDING + 1);
      expect(served.length).toBeLessThan(EACH + PENDING + WORKERS);
    }
    expect(served.filter(({ ms }) => ms > 1.5 * SLOW_MS).length).toBeGreaterThan(0);
  }, withQueue);
});

it("answers 503 to what waited too long; in Envoy the rule's own limits end the wait", async () => {
  await each(async (proxy) => {
    const told = await flood(proxy, { path: "/drops", count: EACH + 1, port: e2e().ports.http2 });
    if (proxy === "envoy") return expect(statuses(told)).toEqual(times(EACH + 1, 200));
    expect(statuses(told)).toEqual([...times(EACH, 200), 503]);
    expect(told.find(({ status }) => status === 503)?.ms).toBeGreaterThanOrEqual(QUEUE_TIMEOUT_MS - 1);
  }, withQueue);
});

/** Null: closed without a byte. The echo greets. */
async function taken(proxy: ProxyName): Promise<Socket | null> {
  const to = { address: e2e().proxies[proxy].address, port: e2e().ports.tcp };
  const socket = await connectTo(to).catch(() => null);
  if (socket === null) return null;
  return await new Promise((resolve) => {
    socket.once("data", () => resolve(socket));
    for (const end of ["end", "close"]) socket.once(end, () => resolve(null));
  });
}
