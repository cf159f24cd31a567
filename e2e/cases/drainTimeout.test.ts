/** `cluster.drainTimeout` where files are fetched: what a drained endpoint still has ends with the processes of before the change. */
import type { Socket } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { call, problemsOf } from "../harness/api.ts";
import { e2e, type ProxyName, proxyAddresses, proxyNames } from "../harness/context.ts";
import { type Document, type ModelPart, route } from "../harness/model.ts";
import { until } from "../harness/process.ts";
import { connectTo } from "../harness/rawHttp.ts";
import { ask, serve } from "../harness/serve.ts";
import { startEcho, startTcpEcho, type Upstream } from "../harness/upstream.ts";

const DRAIN_MS = 2_000;
/** The signal's way to the proxy counts with the time on one side, timers of a busy machine on the other. */
const EARLY_MS = 100;
const LATE_MS = 3_000;
/** Longer than it may take in any case. */
const SLOW_MS = 30_000;
const host = "drains.e2e.example";
const reloading = ["nginx", "haproxy"] as const;
let http: Upstream[];
let tcp: Upstream[];

function clusterOf(name: string, upstreams: readonly Upstream[], first: object): Document {
  const endpoints = upstreams.map(({ port }, at) => ({ address: "127.0.0.1", port, ...(at === 0 ? first : {}) }));
  return { name, endpoints, drainTimeout: `${DRAIN_MS}ms` };
}

/** `first`: the state of the endpoint that is drained, `others` of the one beside it. */
function part(first: object): ModelPart {
  const split = (cluster: string) => [{ split: [{ cluster }] }];
  return {
    fleets: proxyNames.map((name) => ({
      name,
      proxy: name,
      bindAddress: proxyAddresses[name],
      process: { shutdownGrace: `${DRAIN_MS}ms` },
    })),
    listeners: [
      { name: "drains-tcp", fleets: [...reloading], port: e2e().ports.tcp, protocol: "TCP" },
      { name: "drains", fleets: [...reloading], port: e2e().ports.http2, protocol: "HTTP" },
    ],
    clusters: [clusterOf("drains-tcp", tcp, first), clusterOf("drains", http, first)],
    routes: [
      { name: "drains-tcp", listeners: ["drains-tcp"], protocol: "tcp", rules: split("drains-tcp") },
      { ...route("drains", host, ...split("drains")), listeners: ["drains"] },
    ],
  };
}

beforeAll(async () => {
  http = await Promise.all(["a", "b"].map((name) => startEcho(name)));
  tcp = await Promise.all(["tcp-a", "tcp-b"].map((name) => startTcpEcho(name)));
  await serve(part({}));
});

afterAll(async () => {
  await Promise.all([...http, ...tcp].map((upstream) => upstream.close()));
});

async function greeted(proxy: ProxyName): Promise<{ socket: Socket; name: string }> {
  const socket = await connectTo({ address: e2e().proxies[proxy].address, port: e2e().ports.tcp });
  socket.on("error", () => {});
  const name = await new Promise<string>((resolve) => {
    socket.once("data", (chunk) => resolve(String(chunk).trim())).once("close", () => resolve(""));
  });
  return { socket, name };
}

it("Envoy, which could not keep it, refuses it", async () => {
  const { port } = http[0]!;
  const answer = await call(e2e().program.api, "POST /v1/config/apply", {
    body: {
      clusters: [{ name: "refused", endpoints: [{ address: "127.0.0.1", port }], drainTimeout: "5m" }],
      routes: [route("refused", "refused.e2e.example", { split: [{ cluster: "refused" }] })],
    },
  });
  expect(answer.status).toBe(422);
  expect(problemsOf(answer).map(({ code }) => code)).toContain("DRAIN-TIMEOUT-ENVOY");
});

it("what a drained endpoint has goes on for so long, and no longer; what is new goes to the other", async () => {
  const held = new Map<ProxyName, { closedAt: number | null; lastEcho: number }>();
  const slow = new Map<ProxyName, Promise<number>>();
  const before = http[0]!.seen();
  for (const proxy of reloading) {
    const socket = await until(`${proxy} reaches the endpoint`, async () => {
      const opened = await greeted(proxy);
      if (opened.name === "tcp-a") return opened.socket;
      opened.socket.destroy();
      return null;
    });
    const state = { closedAt: null as number | null, lastEcho: 0 };
    held.set(proxy, state);
    // It is used all the time: it is no idle connection that ends.
    const talk = setInterval(() => socket.write("still here\n"), 100);
    socket.on("data", () => {
      state.lastEcho = Date.now();
    });
    socket.on("end", () => socket.destroy());
    socket.on("close", () => {
      clearInterval(talk);
      state.closedAt = Date.now();
    });
  }
  // Each proxy asks both endpoints in turn: one of two requests is the first one's.
  for (const proxy of reloading) {
    const request = { host, path: "/", port: e2e().ports.http2, headers: [["x-e2e", `slow=${SLOW_MS}`]] as const };
    const both = [0, 1].map(() =>
      ask(proxy, request).then(
        () => Date.now(),
        () => Date.now(),
      ),
    );
    slow.set(proxy, Promise.race(both));
  }
  await until("the slow requests are under way", () => (http[0]!.seen() >= before + reloading.length ? true : null));
  const from = Date.now();
  await serve(part({ state: "drain" }));
  const to = Date.now();
  for (const proxy of reloading) {
    const { socket, name } = await greeted(proxy);
    socket.destroy();
    expect(name, proxy).toBe("tcp-b");
  }
  await until("the held connections are closed", () =>
    [...held.values()].every(({ closedAt }) => closedAt !== null) ? true : null,
  );
  for (const proxy of reloading) {
    const { closedAt, lastEcho } = held.get(proxy)!;
    expect(closedAt! - from, proxy).toBeGreaterThan(DRAIN_MS - EARLY_MS);
    expect(closedAt! - to, proxy).toBeLessThan(DRAIN_MS + LATE_MS);
    // Until then it was served.
    expect(closedAt! - lastEcho, proxy).toBeLessThan(1_000);
    const ended = await slow.get(proxy)!;
    expect(ended - from, proxy).toBeGreaterThan(DRAIN_MS - EARLY_MS);
    expect(ended - to, proxy).toBeLessThan(DRAIN_MS + LATE_MS);
  }
});
