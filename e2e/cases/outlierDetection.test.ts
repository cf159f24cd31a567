/** Endpoints that fail in the traffic are left out for a while, come back, and are tried all the same when none is left. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { call, problemsOf } from "../harness/api.ts";
import { startBlackHole } from "../harness/blackHole.ts";
import { e2e, type ProxyName, proxyNames } from "../harness/context.ts";
import { type Document, route } from "../harness/model.ts";
import { until } from "../harness/process.ts";
import { ask, greetingOf, serve } from "../harness/serve.ts";
import { startEcho, startTcpEcho, type Upstream } from "../harness/upstream.ts";

const host = "outlier.e2e.example";
const answering = "answering.e2e.example";
/** Failures in a row after which an endpoint is out. */
const FAILURES = 3;
const REQUESTS = 20;
/** Of the black hole: whoever meets it waits so long. */
const CONNECT_MS = 300;
/** Longer than any case takes. */
const LONG = { consecutiveConnectFailures: FAILURES, ejectFor: "60s" };
const SHORT_MS = 1_000;
const SHORT = { consecutiveConnectFailures: FAILURES, ejectFor: "1s", interval: "100ms" };
const withStatuses = ["envoy", "haproxy"] as const;

let live: Upstream;
let failing: Upstream;
let returning: Upstream;
let tcp: Upstream;
/** Both of one cluster. */
let pair: Upstream[];
let blackHole: { readonly port: number; readonly close: () => void };

function of(name: string, ports: readonly number[], outlierDetection: object): Document {
  const endpoints = ports.map((port) => ({ address: "127.0.0.1", port }));
  return { name, endpoints, timeouts: { connect: `${CONNECT_MS}ms` }, outlierDetection };
}

function toCluster(name: string): object {
  return { matches: [{ path: { prefix: `/${name}` } }], split: [{ cluster: name }] };
}

beforeAll(async () => {
  [live, failing, returning, tcp, blackHole] = await Promise.all([
    startEcho("live"),
    startEcho("failing"),
    startEcho("returning"),
    startTcpEcho("tcp"),
    startBlackHole(),
  ]);
  pair = await Promise.all(["one", "two"].map((name) => startEcho(name)));
  await serve({
    listeners: [
      { name: "bytes", fleets: [...proxyNames], port: e2e().ports.tcp, protocol: "TCP" },
      { name: "statuses", fleets: [...withStatuses], port: e2e().ports.http2, protocol: "HTTP" },
    ],
    clusters: [
      of("hole", [live.port, blackHole.port], LONG),
      of("returns", [live.port, returning.port], SHORT),
      of("all", [pair[0]!.port, pair[1]!.port], LONG),
      of("bytes", [tcp.port, blackHole.port], LONG),
      of("answers", [live.port, failing.port], { ...LONG, consecutiveConnectFailures: 5, consecutive5xx: FAILURES }),
    ],
    routes: [
      route("outlier", host, ...["hole", "returns", "all"].map(toCluster)),
      { name: "bytes", protocol: "tcp", listeners: ["bytes"], rules: [{ split: [{ cluster: "bytes" }] }] },
      { name: "answering", listeners: ["statuses"], hostnames: [answering], rules: [toCluster("answers")] },
    ],
  });
});

afterAll(async () => {
  blackHole.close();
  await Promise.all([live, failing, returning, tcp, ...pair].map((upstream) => upstream.close()));
});

/** Who answers, or the status. */
async function answerOf(proxy: ProxyName, path: string): Promise<string> {
  const answer = await ask(proxy, { host, path });
  return answer.echo?.name ?? String(answer.status);
}

/** So many, one after the other: what came, and how many waited for the connect timeout. */
async function inTurn(one: () => Promise<string>, times = REQUESTS) {
  const answers: string[] = [];
  let late = 0;
  for (let turn = 0; turn < times; turn++) {
    const since = performance.now();
    answers.push(await one());
    if (performance.now() - since >= CONNECT_MS) late++;
  }
  return { answers, late };
}

it.each([
  ["requests", "live", (proxy: ProxyName) => answerOf(proxy, "/hole")],
  ["TCP connections", "tcp", greetingOf],
] as const)("only the first %s wait for an endpoint that nobody reaches", async (_what, name, one) => {
  const found = await Promise.all(proxyNames.map((proxy) => inTurn(() => one(proxy))));
  for (const { answers, late } of found) {
    expect(answers).toEqual(Array(REQUESTS).fill(name));
    expect(late).toBeGreaterThan(0);
    // A TCP connection on Envoy may meet it twice.
    expect(late).toBeLessThanOrEqual(FAILURES);
  }
});

it("an endpoint that was left out comes back after its time, on every proxy", async () => {
  const { port } = returning;
  await returning.close();
  const since = performance.now();
  await Promise.all(proxyNames.map((proxy) => inTurn(() => answerOf(proxy, "/returns"), 2 * FAILURES + 2)));
  returning = await startEcho("returning", port);
  await Promise.all(
    proxyNames.map(async (proxy) => {
      const isBack = async () => ((await answerOf(proxy, "/returns")) === "returning" ? true : null);
      await until(`${proxy} uses it again`, isBack);
      expect(performance.now() - since).toBeGreaterThanOrEqual(SHORT_MS);
    }),
  );
});

it("when all fail, all are tried, and the first that is there answers at once", async () => {
  const ports = pair.map(({ port }) => port);
  await Promise.all(pair.map((upstream) => upstream.close()));
  const atOnce = (proxy: ProxyName) => Promise.all(Array.from({ length: REQUESTS }, () => answerOf(proxy, "/all")));
  const failed = await Promise.all(proxyNames.map(atOnce));
  expect(new Set(failed.flat())).toEqual(new Set(["503"]));
  pair = await Promise.all(["one", "two"].map((name, index) => startEcho(name, ports[index])));
  const served = await Promise.all(proxyNames.map(atOnce));
  for (const names of served) expect(names).not.toContain("503");
});

it.each(withStatuses)("%s: so many answers of 5xx in a row are served, and no more", async (proxy) => {
  const request = { host: answering, path: "/answers", port: e2e().ports.http2 };
  failing.setStatus(500);
  const statuses: number[] = [];
  for (let sent = 0; sent < REQUESTS; sent++) statuses.push((await ask(proxy, request)).status);
  expect(statuses.filter((status) => status === 500)).toHaveLength(FAILURES);
});

it("nginx does not count answers, and only Envoy has a bound on what is left out", async () => {
  const { api } = e2e().program;
  const { outlierDetection, ...plain } = of("hole", [live.port, blackHole.port], LONG);
  const answer = await call(api, "PUT /v1/clusters/hole", {
    body: { ...plain, outlierDetection: { ...(outlierDetection as object), consecutive5xx: 3, maxEjectedPercent: 50 } },
  });
  expect(answer.status).toBe(422);
  const refused = problemsOf(answer).map(({ code, pointer }) => `${code} ${pointer}`);
  expect(refused).toEqual(
    expect.arrayContaining([
      "OUTLIER-5XX-NORETRY-NGINX /outlierDetection/consecutive5xx",
      "OUTLIER-PERCENT /outlierDetection/maxEjectedPercent",
    ]),
  );
});
