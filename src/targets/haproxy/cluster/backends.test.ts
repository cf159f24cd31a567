/** Clusters on the real HAProxy: TCP, weights, health checks, half-closed connections. */
import { connect, type Server } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import type { ClusterIr, HealthCheckIr, PortIr } from "../../../ir/index.ts";
import { finish } from "../../../util/steps.ts";
import { haproxyTarget } from "../index.ts";
import {
  cluster,
  fleet,
  forward,
  httpPort as httpPortOf,
  noChanges,
  prefix,
  rulesOf,
  tcpPort as tcpPortOf,
  virtualHost,
} from "../testSupport/ir.ts";
import {
  ask,
  echoUpstream,
  exchange,
  filesOf,
  freePorts,
  listen,
  portOf,
  type RunningProxy,
  sleep,
  startProxy,
} from "../testSupport/proxy.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function upstream(server: Promise<Server>): Promise<number> {
  const running = await server;
  cleanups.push(() => running.close());
  return portOf(running);
}

async function serve(ports: readonly PortIr[], clusters: readonly ClusterIr[]): Promise<RunningProxy> {
  const rendered = finish(haproxyTarget.createRenderer().render(fleet({ ports, clusters })));
  expect(await haproxyTarget.check(rendered)).toEqual({ ok: true, message: "" });
  const proxy = await startProxy(filesOf(rendered), ports[0]?.port ?? 0);
  cleanups.push(proxy.stop);
  return proxy;
}

function httpPort(port: number, target = "c"): PortIr {
  return httpPortOf(port, [virtualHost("a.test", rulesOf("r", [{ path: prefix("/"), action: forward(target) }]))]);
}

function tcpPort(port: number, weights: Record<string, number>, idleTimeoutMs = 60_000): PortIr {
  const split = Object.entries(weights).map(([name, weight]) => ({ cluster: name, weight }));
  return tcpPortOf(port, `tcp-${port}`, { split, idleTimeoutMs });
}

/** Says its name when the client has ended its side, and what the client sent. */
const lateEcho = (name: string) =>
  listen((socket) => {
    let text = "";
    socket.on("data", (data) => (text += data));
    socket.on("end", () => socket.end(`${name}:${text}`));
  });
const greeter = (name: string) => listen((socket) => socket.resume().end(name));

function halfClose(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
    let received = "";
    socket.on("data", (data) => (received += data));
    socket.on("error", reject);
    socket.on("end", () => resolve(received));
    socket.end(text);
  });
}

/** What the server says to a client that is silent. */
function greeting(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port });
    socket.on("data", (data) => {
      resolve(String(data));
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

async function tally(count: number, once: () => Promise<string>): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (let index = 0; index < count; index++) {
    const name = await once();
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

describe("TCP", () => {
  it("keeps a half-closed connection", async () => {
    const [port = 0] = await freePorts(1);
    await serve([tcpPort(port, { c: 1 })], [cluster("c", [await upstream(lateEcho("late"))])]);
    expect(await halfClose(port, "hello")).toBe("late:hello");
  });
  it("splits by weight without waiting for the client to speak", async () => {
    const [port = 0] = await freePorts(1);
    const clusters = [cluster("a", [await upstream(greeter("a"))]), cluster("b", [await upstream(greeter("b"))])];
    await serve([tcpPort(port, { a: 3, b: 1 })], clusters);
    const counts = await tally(200, () => greeting(port));
    // 200 draws at 25 %: mean 50, standard deviation 6
    expect(counts.b).toBeGreaterThan(25);
    expect(counts.b).toBeLessThan(75);
  });
  it("tries the next endpoint when one refuses", async () => {
    const [port = 0, dead = 0] = await freePorts(2);
    await serve([tcpPort(port, { c: 1 })], [cluster("c", [dead, await upstream(greeter("up"))])]);
    const started = Date.now();
    expect(await tally(10, () => exchange(port, "x"))).toEqual({ up: 10 });
    expect(Date.now() - started).toBeLessThan(2_000);
  });
  it("closes an idle connection, and one that nobody takes", async () => {
    const [port = 0, empty = 0, none = 0] = await freePorts(3);
    const clusters = [cluster("c", [await upstream(listen((socket) => socket.resume()))]), cluster("empty", [])];
    await serve([tcpPort(port, { c: 1 }, 300), tcpPort(empty, { empty: 1 }), tcpPort(none, {})], clusters);
    const started = Date.now();
    expect(await exchange(port, "x")).toBe("");
    expect(Date.now() - started).toBeGreaterThan(250);
    for (const closed of [empty, none]) expect(await exchange(closed, "x").catch(() => "reset")).toMatch(/^(reset)?$/);
  });
});

describe("HTTP", () => {
  const nameOf = async (port: number): Promise<string> => {
    const { headers, status } = await ask(port, "/");
    return headers["x-up"] ?? String(status);
  };
  it("takes idle endpoints in turn with leastRequest, whatever their weights (LB-LC-WEIGHTS-HAPROXY)", async () => {
    const [port = 0] = await freePorts(1);
    const [a, b] = [await upstream(echoUpstream("a")), await upstream(echoUpstream("b"))];
    await serve(
      [httpPort(port)],
      [
        cluster(
          "c",
          [
            [a, 3],
            [b, 1],
          ],
          { balance: { policy: "leastRequest" } },
        ),
      ],
    );
    expect(await tally(16, () => nameOf(port))).toEqual({ a: 8, b: 8 });
  });
  it.each(["roundRobin", "leastRequest"] as const)("uses all endpoints with %s", async (policy) => {
    const [port = 0] = await freePorts(1);
    const ports = [await upstream(echoUpstream("a")), await upstream(echoUpstream("b"))];
    await serve([httpPort(port)], [cluster("c", ports, { balance: { policy } })]);
    expect(await tally(20, () => nameOf(port))).toEqual({ a: 10, b: 10 });
  });
  it("weighs endpoints", async () => {
    const [port = 0] = await freePorts(1);
    const a = await upstream(echoUpstream("a"));
    const b = await upstream(echoUpstream("b"));
    await serve(
      [httpPort(port)],
      [
        cluster("c", [
          [a, 256],
          [b, 64],
        ]),
      ],
    );
    const counts = await tally(50, () => nameOf(port));
    expect(counts).toEqual({ a: 40, b: 10 });
  });
  it("tries a refused connection on the other endpoint", async () => {
    const [port = 0, dead = 0] = await freePorts(2);
    await serve([httpPort(port)], [cluster("c", [dead, await upstream(echoUpstream("a"))])]);
    expect(await tally(10, () => nameOf(port))).toEqual({ a: 10 });
  });
  it("gives 503 when connecting takes too long", async () => {
    const [port = 0] = await freePorts(1);
    const silent = cluster("c", [], { connectTimeoutMs: 200 });
    // TEST-NET-1 (RFC 5737): nobody answers, or the network says at once that nobody is there
    const endpoints = [{ address: "192.0.2.1", port: 9, weight: 1, state: "active" as const, priority: 0 }];
    await serve([httpPort(port)], [{ ...silent, endpoints }]);
    expect((await ask(port, "/")).status).toBe(503);
  });
  it("shares a cluster between HTTP and TCP, with one prober", async () => {
    const [port = 0, tcp = 0, other = 0] = await freePorts(3);
    const check: HealthCheckIr = {
      kind: "tcp",
      intervalMs: 100,
      timeoutMs: 100,
      rise: 1,
      fall: 1,
      initial: "down",
      port: null,
      http: null,
      tcp: null,
      grpc: null,
    };
    const up = await upstream(echoUpstream("a"));
    const ports = [httpPort(port), tcpPort(tcp, { c: 1 }), tcpPort(other, { c: 1 }, 5_000)];
    await serve(ports, [cluster("c", [up], { healthCheck: check })]);
    expect(await nameOf(port)).toBe("a");
    for (const each of [tcp, other]) {
      expect(await exchange(each, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")).toContain("X-Up: a");
    }
  });
});

describe("health checks", () => {
  const base = {
    intervalMs: 100,
    timeoutMs: 100,
    rise: 2,
    fall: 2,
    initial: "down",
    port: null,
    tcp: null,
    grpc: null,
  } as const;
  const plain = { protocol: "http1" as const, headers: [], bodyContains: null, bodyRegex: null };
  /** An upstream whose probe path answers what `state.status` says, and records the probe. */
  const probed = (name: string, state: { status: number; seen: string }) =>
    listen((socket) =>
      socket.once("data", (data) => {
        const text = data.toString();
        const isProbe = text.startsWith("OPTIONS /up%20?");
        if (isProbe) state.seen = text;
        socket.end(`HTTP/1.1 ${isProbe ? state.status : 200} X\r\nX-Up: ${name}\r\nContent-Length: 0\r\n\r\n`);
      }),
    );
  const until = async (holds: () => Promise<boolean>): Promise<void> => {
    const deadline = Date.now() + 5_000;
    while (!(await holds())) {
      if (Date.now() > deadline) throw new Error("did not come to hold within 5 s");
      await sleep(50);
    }
  };

  it("takes an endpoint out by HTTP, and back", async () => {
    const [port = 0] = await freePorts(1);
    const state = { status: 200, seen: "" };
    const http = {
      method: "OPTIONS",
      path: "/up%20?'#\"",
      host: "health.test",
      ...plain,
      expectedStatus: [
        { low: 200, high: 299 },
        { low: 404, high: 404 },
      ],
    };
    const endpoints = [await upstream(probed("a", state)), await upstream(probed("b", { status: 404, seen: "" }))];
    await serve([httpPort(port)], [cluster("c", endpoints, { healthCheck: { ...base, kind: "http", http } })]);
    const names = async (): Promise<string> => {
      const counts = await tally(8, async () => (await ask(port, "/")).headers["x-up"] ?? "none");
      return Object.keys(counts).sort().join();
    };
    await until(async () => state.seen !== "" && (await names()) === "a,b");
    expect(state.seen).toMatch(/^OPTIONS \/up%20\?'#" HTTP\/1\.1\r\n/);
    expect(state.seen.toLowerCase()).toContain("\r\nhost: health.test\r\n");
    state.status = 300;
    await until(async () => (await names()) === "b");
    state.status = 204;
    await until(async () => (await names()) === "a,b");
  });
  it("asks once for all backends of a cluster", async () => {
    const [port = 0] = await freePorts(1);
    const state = { status: 200, seen: "" };
    const http = {
      method: "OPTIONS",
      path: "/up%20?",
      host: "h.test",
      ...plain,
      expectedStatus: [{ low: 200, high: 200 }],
    };
    const endpoints = [await upstream(probed("a", state)), await upstream(probed("b", { status: 200, seen: "" }))];
    const rules = rulesOf(
      "r",
      Array.from({ length: 40 }, (_, index) => ({
        path: prefix(`/p${index}`),
        action: forward("c"),
        responseHeaders: { ...noChanges, set: [{ name: `x-${index}`, value: "1" }] },
      })),
    );
    const checked = cluster("c", endpoints, { healthCheck: { ...base, kind: "http", http } });
    await serve([httpPortOf(port, [virtualHost("a.test", rules)])], [checked]);
    const names = async (): Promise<string> => {
      const paths = Array.from({ length: 40 }, (_, index) => `/p${index}`);
      const answers = await Promise.all(paths.map((path) => ask(port, path)));
      return [...new Set(answers.map(({ headers }) => headers["x-up"]))].sort().join();
    };
    // Each of these backends has had one request: they do not all begin with the same endpoint.
    await until(async () => state.seen !== "" && (await names()) === "a,b");
    state.status = 503;
    await until(async () => (await names()) === "b");
  });
  it("takes an endpoint out by TCP, on its own port", async () => {
    const [port = 0, probePort = 0] = await freePorts(2);
    const a = await upstream(echoUpstream("a"));
    const check: HealthCheckIr = { ...base, kind: "tcp", port: probePort, http: null };
    await serve([httpPort(port)], [cluster("c", [a], { healthCheck: check })]);
    await until(async () => (await ask(port, "/")).status === 503);
  });
});
