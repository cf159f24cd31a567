/** `cluster.limits`: what is too much for endpoints is refused at once, or waits where there is a queue; the same on all proxies. */
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { e2e, type ProxyName, proxyNames } from "../harness/context.ts";
import { type Gate, startGate } from "../harness/gate.ts";
import { cluster, type Document, route } from "../harness/model.ts";
import { until } from "../harness/process.ts";
import { connectTo } from "../harness/rawHttp.ts";
import { ask, serve } from "../harness/serve.ts";
import { startTcpEcho, type Upstream } from "../harness/upstream.ts";

const host = "limits.e2e.example";
const MAX = 3;
const EACH = 2;
const PENDING = 3;
/** Of each cluster of a split. */
const HALF = 2;
/** So many draws leave one of two with less than two once in 4 000 runs. */
const DRAWS = 16;
/** Between two requests: Envoy counts one whose connection is being made as one that waits. */
const APART_MS = 10;
const QUEUE_TIMEOUT_MS = 200;
/** CPUs of the proxies: an Envoy gives each of them a connection, whatever the limit. */
const WORKERS = 2;
let gates: readonly [Gate, Gate];
let tcpEcho: Upstream;

function limited(name: string, limits: object, ...upstreams: readonly { readonly port: number }[]): Document {
  return { ...cluster(name, ...upstreams.map(({ port }) => port)), limits };
}

beforeAll(async () => {
  gates = await Promise.all([startGate("limits-a"), startGate("limits-b")]);
  tcpEcho = await startTcpEcho("limits-tcp");
  const [a, b] = gates;
  const { ports } = e2e();
  const to = (name: string) => ({ matches: [{ path: { prefix: `/${name}` } }], split: [{ cluster: name }] });
  const queue = { maxConnectionsPerEndpoint: EACH, maxPending: PENDING };
  const halves = { matches: [{ path: { prefix: "/halves" } }], split: [{ cluster: "half-a" }, { cluster: "half-b" }] };
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
      route("limits", host, to("requests"), to("connections"), to("each"), halves),
      { name: "limits-queue", listeners: ["limits-queue"], hostnames: [host], rules: [to("waits"), to("drops")] },
      { name: "limits-tcp", listeners: ["limits-tcp"], protocol: "tcp", rules: [bytes] },
    ],
  });
});

afterAll(async () => {
  await Promise.all([...gates, tcpEcho].map((upstream) => upstream.close()));
});

interface Flood {
  readonly path: string;
  readonly count: number;
  /** Default: that of the listener without a queue. */
  readonly port?: number;
  /** When it holds of the answers that are there, the endpoints give theirs. */
  readonly until: (refused: number) => boolean;
}

interface Told {
  readonly status: number;
  readonly body: string;
}

/** Requests that endpoints hold until the others have their answers. */
async function flood(proxy: ProxyName, { path, count, port, until: isEnough }: Flood): Promise<readonly Told[]> {
  const told: Told[] = [];
  const sent: Promise<unknown>[] = [];
  for (let index = 0; index < count; index++) {
    const request = ask(proxy, { host, path, port: port ?? e2e().ports.http });
    sent.push(request.then(({ status, body }) => told.push({ status, body })));
    await sleep(APART_MS);
  }
  await until(`${proxy} answers what is too much for ${path}`, async () => (isEnough(told.length) ? true : null));
  for (const gate of gates) gate.open(path);
  await Promise.all(sent);
  return told;
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

it.each(Object.entries(LIMITS))("%s: takes %d requests at a time", { retry: 1 }, async (prefix, most) => {
  const more = prefix === "/halves" ? DRAWS - most : 3;
  await each(async (proxy) => {
    const path = `${prefix}/${proxy}/${Math.random()}`;
    // While the endpoints hold theirs, the others are answered: at once.
    const told = await flood(proxy, { path, count: most + more, until: (refused) => refused === more });
    expect(statuses(told), proxy).toEqual([...times(most, 200), ...times(more, 503)]);
    for (const { status, body } of told) if (status === 503) expect(body).toBe("503 Service Unavailable\n");
    const seen = gates.map((gate) => gate.seen(path));
    // Nothing was tried again on another endpoint.
    expect(seen[0]! + seen[1]!, proxy).toBe(most);
    // Envoy has one limit for all endpoints, and each worker takes its turns by itself.
    if (prefix === "/each" && proxy !== "envoy") expect(seen, proxy).toEqual([EACH, EACH]);
    expect((await ask(proxy, { host, path })).status).toBe(200);
  });
});

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
  const [count, most] = [EACH + PENDING + 4, EACH + PENDING];
  await each(async (proxy) => {
    const path = `/waits/${proxy}`;
    // An Envoy may have a connection more for each worker but one, or, with idle ones of another worker, one alone.
    const spare = proxy === "envoy" ? WORKERS - 1 : 0;
    const isEnough = (refused: number): boolean => refused >= count - most - spare;
    const told = await flood(proxy, { path, count, port: e2e().ports.http2, until: isEnough });
    const served = told.filter(({ status }) => status === 200).length;
    expect(statuses(told)).toEqual([...times(served, 200), ...times(count - served, 503)]);
    expect(served).toBeLessThanOrEqual(most + spare);
    expect(served).toBeGreaterThanOrEqual(proxy === "envoy" ? PENDING + 1 : most);
    expect(gates[0].seen(path)).toBe(served);
  }, withQueue);
});

it("answers 503 to what waited too long; in Envoy the rule's own limits end the wait", async () => {
  await each(async (proxy) => {
    const flooding = { path: `/drops/${proxy}`, count: EACH + 1, port: e2e().ports.http2 };
    const start = performance.now();
    const isLate = (): boolean => performance.now() - start > 2 * QUEUE_TIMEOUT_MS;
    if (proxy === "envoy") {
      expect(statuses(await flood(proxy, { ...flooding, until: isLate }))).toEqual(times(EACH + 1, 200));
      return;
    }
    const told = await flood(proxy, { ...flooding, until: (refused) => refused === 1 });
    expect(statuses(told)).toEqual([...times(EACH, 200), 503]);
    expect(performance.now() - start).toBeGreaterThanOrEqual(QUEUE_TIMEOUT_MS);
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
