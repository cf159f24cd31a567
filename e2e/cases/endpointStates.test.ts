/** States, priorities and zones of endpoints: what drains keeps what it has, and backups serve when no primary can, on every proxy. */
import type { Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { e2e, type ProxyName, proxyNames } from "../harness/context.ts";
import { type Document, type ModelPart, route } from "../harness/model.ts";
import { until } from "../harness/process.ts";
import { connectTo } from "../harness/rawHttp.ts";
import { ask, serve } from "../harness/serve.ts";
import { shares } from "../harness/shares.ts";
import { startEcho, startTcpEcho, type Upstream } from "../harness/upstream.ts";

/** Round robin: each worker of a proxy goes round on its own, and with 30 requests every endpoint that serves is met. */
const REQUESTS = 30;
/** Round robin is smooth: shares are off by a few per worker at most. */
const SHARED = 800;
const TOLERANCE = 20;
/** Longer than a change takes to reach the proxies, so that the request is under way when its endpoint drains. */
const SLOW_MS = 1_500;
const host = "states.e2e.example";
const checked = ["envoy", "haproxy"] as const;
let http: Upstream[];
let tcp: Upstream[];

/** What an endpoint has beside its place. */
interface Condition {
  readonly state?: "active" | "drain" | "down";
  readonly priority?: number;
  readonly weight?: number;
  readonly zone?: string;
}

function clusterOf(name: string, upstreams: readonly Upstream[], conditions: readonly Condition[]): Document {
  return {
    name,
    endpoints: conditions.map((condition, at) => ({ address: "127.0.0.1", port: upstreams[at]!.port, ...condition })),
  };
}

const drain = { state: "drain" } as const;
const down = { state: "down" } as const;
const backup = { priority: 1 };

/** Of endpoints a, b and c. */
const conditions = {
  active: [{}, {}, {}],
  mixed: [{}, drain, down],
  none: [drain, { weight: 0 }, down],
  primaries: [{}, {}, backup],
  drained: [drain, backup, backup],
  down: [down, backup, backup],
  gone: [down, { ...backup, ...drain }, { ...backup, ...down }],
};

const takers: Record<keyof typeof conditions, string> = {
  active: "a b c",
  mixed: "a",
  none: "503",
  primaries: "a b",
  drained: "b c",
  down: "b c",
  gone: "503",
};

function part(moving: readonly Condition[]): ModelPart {
  const { ports } = e2e();
  const all = { ...conditions, moving };
  const names = [...Object.keys(all), "zones"];
  const rules = names.map((name) => ({
    matches: [{ path: { prefix: `/${name}` } }],
    split: [{ cluster: name }],
  }));
  const tcpRoute = { name: "states-tcp", listeners: ["states-tcp"], protocol: "tcp" };
  return {
    listeners: [
      { name: "states-tcp", fleets: [...proxyNames], port: ports.tcp, protocol: "TCP" },
      { name: "checked", fleets: [...checked], port: ports.http2, protocol: "HTTP" },
    ],
    healthChecks: [{ name: "quick", type: "http", interval: "100ms", timeout: "100ms", rise: 1, fall: 1 }],
    clusters: [
      ...Object.entries(all).map(([name, each]) => clusterOf(name, http, each)),
      clusterOf("moving-tcp", tcp, moving.slice(0, 2)),
      { ...clusterOf("checked", http, conditions.primaries), healthCheck: "quick" },
      {
        ...clusterOf("zones", http, [{ zone: "north" }, { zone: "north" }, { zone: "south" }]),
        locality: { weights: { north: 3, south: 1 } },
      },
    ],
    routes: [
      route("states", host, ...rules),
      { ...tcpRoute, rules: [{ split: [{ cluster: "moving-tcp" }] }] },
      { name: "checked", listeners: ["checked"], hostnames: [host], rules: [{ split: [{ cluster: "checked" }] }] },
    ],
  };
}

beforeAll(async () => {
  http = await Promise.all(["a", "b", "c"].map((name) => startEcho(name)));
  tcp = await Promise.all(["tcp-a", "tcp-b"].map((name) => startTcpEcho(name)));
  await serve(part([{}, down]));
});

afterAll(async () => {
  await Promise.all([...http, ...tcp].map((upstream) => upstream.close()));
});

/** Who answers, or with which status. */
async function takersOf(proxy: ProxyName, path: string, port = e2e().ports.http): Promise<string> {
  const seen = new Set<string>();
  for (let sent = 0; sent < REQUESTS; sent++) {
    const answer = await ask(proxy, { host, path, port });
    seen.add(answer.status === 200 ? (answer.echo?.name ?? "") : String(answer.status));
  }
  return [...seen].sort().join(" ");
}

/** The next bytes of a connection; its end is an empty text. */
function next(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    const finish = (text: string): void => {
      socket.removeAllListeners();
      socket.on("error", () => {});
      resolve(text);
    };
    socket.once("data", (bytes) => finish(bytes.toString()));
    socket.once("end", () => finish(""));
    socket.once("error", () => finish(""));
  });
}

async function openTcp(proxy: ProxyName): Promise<{ readonly socket: Socket; readonly greeting: string }> {
  const socket = await connectTo({ address: e2e().proxies[proxy].address, port: e2e().ports.tcp });
  return { socket, greeting: (await next(socket)).trim() };
}

describe.each(proxyNames)("%s", (proxy) => {
  it.each(Object.entries(takers))("%s: %s", async (name, expected) => {
    expect(await takersOf(proxy, `/${name}`)).toBe(expected);
  });

  it("zones have their shares, whatever the number of their endpoints", async () => {
    const counts = await shares(proxy, { host, path: "/zones" }, SHARED);
    for (const [name, eighths] of [
      ["a", 3],
      ["b", 3],
      ["c", 2],
    ] as const)
      expect(Math.abs((counts[name] ?? 0) - (SHARED * eighths) / 8), JSON.stringify(counts)).toBeLessThanOrEqual(
        TOLERANCE,
      );
  });
});

describe.each(checked)("%s", (proxy) => {
  it("backups serve while the health check of every primary fails, and no longer", async () => {
    const untilTakers = (expected: string): Promise<unknown> =>
      until(`${expected} take(s) the requests of ${proxy}`, async () => {
        const seen = await takersOf(proxy, "/", e2e().ports.http2);
        if (seen !== expected) throw new Error(`now: ${seen}`);
        return true;
      });
    await untilTakers("a b");
    http[0]!.setStatus(500);
    await untilTakers("b");
    http[1]!.setStatus(500);
    await untilTakers("c");
    http[0]!.setStatus(200);
    await untilTakers("a");
    http[1]!.setStatus(200);
    await untilTakers("a b");
  });
});

describe("a drain and its end", () => {
  it.each([drain])("$state: what the endpoint has goes on, and what is new goes to the other", async (state) => {
    await serve(part([{}, down]));
    const held = new Map<ProxyName, Socket>();
    for (const proxy of proxyNames) {
      const { socket } = await until(`${proxy} reaches the endpoint`, async () => {
        const opened = await openTcp(proxy);
        return opened.greeting === "tcp-a" ? opened : null;
      });
      held.set(proxy, socket);
    }
    const before = http[0]!.seen();
    const slow = proxyNames.map((proxy) =>
      ask(proxy, { host, path: "/moving", headers: [["x-e2e", `slow=${SLOW_MS}`]] }),
    );
    await until("the slow requests are under way", async () =>
      http[0]!.seen() >= before + proxyNames.length ? true : null,
    );
    await serve(part([state, {}]));
    for (const proxy of proxyNames) {
      await until(`${proxy} takes the other endpoint`, async () => {
        const { socket, greeting } = await openTcp(proxy);
        socket.destroy();
        return greeting === "tcp-b" ? true : null;
      });
      expect(await takersOf(proxy, "/moving"), proxy).toBe("b");
      const socket = held.get(proxy)!;
      socket.write("still here\n");
      expect(await next(socket), proxy).toBe("still here\n");
      socket.destroy();
    }
    const answers = await Promise.all(slow);
    expect(answers.map(({ status, echo }) => [status, echo?.name])).toEqual(proxyNames.map(() => [200, "a"]));
  });

  it("all endpoints drained or down: TCP connections are closed", async () => {
    await serve(part([drain, down]));
    for (const proxy of proxyNames) {
      await until(`${proxy} closes`, async () => {
        const { socket, greeting } = await openTcp(proxy);
        socket.destroy();
        return greeting === "" ? true : null;
      });
    }
  });
});
