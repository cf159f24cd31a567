/** A port that somebody else has holds up its listener only, alike on every proxy: the others follow changes, and it comes when it can. */
import { mkdir, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { must } from "../harness/api.ts";
import { e2e, type ProxyName, proxyNames } from "../harness/context.ts";
import type { Document, Model } from "../harness/model.ts";
import { freePort } from "../harness/ports.ts";
import { type Child, startChild, stopChild, until } from "../harness/process.ts";
import { programEntry } from "../harness/program.ts";
import { send } from "../harness/rawHttp.ts";
import { startEcho, type Upstream } from "../harness/upstream.ts";

/** Of the proxies that `trimtab dev` starts here. */
const addresses: Readonly<Record<ProxyName, string>> = {
  envoy: "127.0.0.31",
  nginx: "127.0.0.32",
  haproxy: "127.0.0.33",
};
const host = "taken.e2e.example";
/** Those that read files. */
const fileProxies: readonly ProxyName[] = ["nginx", "haproxy"];
/** What is promised. */
const RECOVERY_MS = 30_000;

let program: Child;
let api: string;
let upstream: Upstream;
/** `to`: where the listener `mover` is to go; `early` is taken before the start, the others when they are asked for. */
let ports: Record<"steady" | "early" | "fresh" | "from" | "to" | "stream", number>;
const squatters = new Map<string, Server>();

beforeAll(async () => {
  const all = Object.values(addresses);
  const [steady, early, fresh, from, to, stream] = await Promise.all(Array.from({ length: 6 }, () => freePort(...all)));
  ports = { steady, early, fresh, from, to, stream } as typeof ports;
  upstream = await startEcho("stream");
  const dir = await mkdtemp(join(e2e().workDir, "taken-"));
  const [http, xds] = [await freePort(), await freePort()];
  api = `http://127.0.0.1:${http}`;
  await mkdir(join(dir, "data"));
  const file = join(dir, "config.yaml");
  await writeFile(file, stringify(model("one", [])));
  await take("early");
  const sockets = ["--http", `127.0.0.1:${http}`, "--xds", `127.0.0.1:${xds}`, "--data", join(dir, "data")];
  const logFile = join(dir, "dev.log");
  program = startChild(process.execPath, [programEntry(), "dev", file, ...sockets], { logFile });
  for (const proxy of proxyNames) await untilSays(proxy, "steady", "one");
});

afterAll(async () => {
  await stopChild(program);
  for (const squatter of squatters.values()) squatter.close();
  await upstream.close();
});

const listener = (name: string, port: number, protocol = "HTTP"): Document => ({
  name,
  fleets: [...proxyNames],
  port,
  protocol,
});

/** Four listeners; `change`: what of them is new. */
function model(body: string, change: readonly ("fresh" | "moved" | "stream")[]): Model {
  const rule = { respond: { status: 200, body } };
  const isNew = (name: (typeof change)[number]): boolean => change.includes(name);
  const listeners = [
    listener("steady", ports.steady),
    listener("early", ports.early),
    listener("mover", isNew("moved") ? ports.to : ports.from),
    ...(isNew("fresh") ? [listener("fresh", ports.fresh)] : []),
  ];
  const names = listeners.map(({ name }) => name);
  const stream = {
    name: "stream",
    listeners: ["stream"],
    protocol: "tcp",
    rules: [{ split: [{ cluster: "stream" }] }],
  };
  return {
    fleets: proxyNames.map((name) => ({ name, proxy: name, bindAddress: addresses[name] })),
    listeners: [...listeners, ...(isNew("stream") ? [listener("stream", ports.stream, "TCP")] : [])],
    clusters: [{ name: "stream", endpoints: [{ address: "127.0.0.1", port: upstream.port }] }],
    routes: [
      { name: "says", listeners: names, hostnames: [host], rules: [rule] },
      ...(isNew("stream") ? [stream] : []),
    ],
    healthChecks: [],
    geoTables: [],
    canaries: [],
    certificates: [],
    authorities: [],
  };
}

/** Somebody else has the port, on every proxy's address. */
async function take(name: keyof typeof ports): Promise<void> {
  for (const address of Object.values(addresses)) {
    const squatter = createServer((socket) => socket.destroy()).listen({
      host: address,
      port: ports[name],
      exclusive: true,
    });
    squatters.set(`${name} ${address}`, squatter);
    await new Promise((resolve, reject) => squatter.once("listening", resolve).once("error", reject));
  }
}

async function free(): Promise<void> {
  await Promise.all([...squatters.values()].map((squatter) => new Promise((resolve) => squatter.close(resolve))));
  squatters.clear();
}

const asked = (proxy: ProxyName, name: keyof typeof ports): Promise<string> =>
  send({ address: addresses[proxy], port: ports[name] }, { path: "/", host }).then(({ body }) => body, String);

async function untilSays(proxy: ProxyName, name: keyof typeof ports, body: string): Promise<void> {
  await until(`${name} of ${proxy} says ${body}`, async () => ((await asked(proxy, name)) === body ? true : null), {
    timeoutMs: RECOVERY_MS,
  });
}

async function put(body: string, change: Parameters<typeof model>[1]): Promise<void> {
  await must(api, "PUT /v1/config", { body: model(body, change) });
}

/** Listener -> reason, of those that wait. */
async function waiting(proxy: ProxyName): Promise<Record<string, string>> {
  const { listeners: items } = (await must(api, `GET /v1/fleets/${proxy}/status`)).json;
  const found = (items as { listener: string; state: string; reason: string; proxies: string[] }[]).filter(
    ({ state }) => state !== "serving",
  );
  for (const { state, proxies } of found) expect([state, proxies]).toEqual(["waiting", [`dev-${proxy}`]]);
  return Object.fromEntries(found.map(({ listener: name, reason }) => [name, reason]));
}

/** What the fleet's only proxy that reads files says of itself. */
async function fileProxy(proxy: ProxyName): Promise<Record<string, unknown>> {
  const { items } = (await must(api, `GET /v1/fleets/${proxy}/proxies`)).json as { items: Record<string, unknown>[] };
  const found = items.filter(({ source }) => source === "agent");
  expect(found.length).toBe(1);
  return found[0] as Record<string, unknown>;
}

async function generation(proxy: ProxyName): Promise<string> {
  return String((await must(api, `GET /v1/fleets/${proxy}/files`)).json.generation);
}

async function waitingInMetrics(): Promise<string[]> {
  const { text } = await must(api, "GET /metrics");
  const found = text.matchAll(/^trimtab_listeners_waiting\{fleet="(.*)",listener="(.*)"\} 1$/gm);
  return Array.from(found, ([, fleet, name]) => `${fleet} ${name}`).sort();
}

/** Events of the log about listeners: `listener-waiting envoy early 127.0.0.31:1 is in use`. */
async function logged(): Promise<string[]> {
  const text = await readFile(program.logFile, "utf8");
  const lines = text.split("\n").filter((line) => line.includes('"event":"listener-'));
  return lines.map((line) => {
    const { event, fleet, listener: name, reason } = JSON.parse(line);
    return `${event} ${fleet} ${name} ${reason}`;
  });
}

describe("a port is taken before the start", () => {
  it.each(proxyNames)("%s serves the other listeners, and says which waits and why", async (proxy) => {
    const reason = `${addresses[proxy]}:${ports.early} is in use`;
    expect(await asked(proxy, "from")).toBe("one");
    await until("it is said", async () => ((await waiting(proxy)).early === undefined ? null : true));
    expect(await waiting(proxy)).toEqual({ early: reason });
    expect(await waitingInMetrics()).toContain(`${proxy} early`);
    expect(await logged()).toContain(`listener-waiting ${proxy} early ${reason}`);
  });
});

describe("a proxy that reads files tells what it runs", () => {
  it.each(fileProxies)("%s: all but the listener that waits, and why", async (proxy) => {
    const whole = await generation(proxy);
    const reason = `${addresses[proxy]}:${ports.early} is in use`;
    const told = await fileProxy(proxy);
    expect(told).toMatchObject({
      nodeId: `dev-${proxy}`,
      group: proxy,
      proxy,
      state: "degraded",
      generation: expect.stringMatching(new RegExp(`^${whole}-without-[0-9a-f]+$`)),
      revision: 1,
      wanted: { generation: whole, revision: 1 },
      lastError: `early waits: ${reason}`,
    });
    expect(Date.parse(String(told.since))).toBeLessThanOrEqual(Date.now());
    const listeners = told.listeners as { listener: string; state: string; reason: string | null }[];
    expect(listeners.map(({ listener: name, state, reason: why }) => [name, state, why])).toEqual([
      ["early", "waiting", reason],
      ["mover", "serving", null],
      ["steady", "serving", null],
    ]);
    const { text } = await must(api, "GET /metrics");
    expect(text).toContain(`trimtab_proxy_connected{fleet="${proxy}",node="dev-${proxy}"} 1\n`);
    expect(text).toContain(`trimtab_proxy_refused_resources{fleet="${proxy}",node="dev-${proxy}"} 1\n`);
  });
});

describe("ports are taken at a change: a new listener, a new TCP listener, one that moves", () => {
  beforeAll(async () => {
    for (const name of ["fresh", "to", "stream"] as const) await take(name);
    await put("two", ["fresh", "moved", "stream"]);
  });

  it.each(proxyNames)("%s takes the change for the others; the old port is served until it can move", async (proxy) => {
    await untilSays(proxy, "steady", "two");
    await until("all that wait are said", async () => (Object.keys(await waiting(proxy)).length === 4 ? true : null));
    const address = addresses[proxy];
    expect(await waiting(proxy)).toEqual({
      early: `${address}:${ports.early} is in use`,
      fresh: `${address}:${ports.fresh} is in use`,
      mover: expect.stringContaining(`${address}:${ports.to} is in use`),
      stream: `${address}:${ports.stream} is in use`,
    });
    expect(await asked(proxy, "from")).toMatch(/^(one|two)$/);
    expect(await waitingInMetrics()).toEqual(
      expect.arrayContaining(["early", "fresh", "mover", "stream"].map((name) => `${proxy} ${name}`)),
    );
  });

  it("further changes come in their usual time, and no request to the old port is lost", async () => {
    let on = true;
    const traffic = proxyNames.map(async (proxy) => {
      const failures: string[] = [];
      while (on) {
        const said = await asked(proxy, "from");
        if (!/^(one|two|three|four)$/.test(said)) failures.push(`${proxy}: ${said}`);
      }
      return failures;
    });
    for (const body of ["three", "four"]) {
      await put(body, ["fresh", "moved", "stream"]);
      for (const proxy of proxyNames) await untilSays(proxy, "steady", body);
    }
    on = false;
    expect((await Promise.all(traffic)).flat()).toEqual([]);
  });
});

describe("the ports get free", () => {
  let freedAt: number;
  beforeAll(async () => {
    await free();
    freedAt = performance.now();
  });

  it.each(proxyNames)(
    "%s serves them within 30 s, gives up the old one, and says so",
    async (proxy) => {
      for (const name of ["early", "fresh", "to"] as const) await untilSays(proxy, name, "four");
      await until("TCP", async () => ((await asked(proxy, "stream")).includes('"stream"') ? true : null));
      expect(performance.now() - freedAt).toBeLessThan(RECOVERY_MS);
      await until("the old port is closed", async () =>
        /ECONNREFUSED/.test(await asked(proxy, "from")) ? true : null,
      );
      await until("nothing waits", async () => (Object.keys(await waiting(proxy)).length === 0 ? true : null));
      if (fileProxies.includes(proxy)) {
        const now = {
          generation: await generation(proxy),
          revision: (await must(api, "GET /v1/revisions")).json.items[0].revision,
        };
        expect(await fileProxy(proxy)).toMatchObject({ ...now, state: "serving", wanted: now, lastError: null });
        const { text } = await must(api, "GET /metrics");
        const labels = `fleet="${proxy}",node="dev-${proxy}"`;
        expect(text).toContain(`trimtab_proxy_acknowledged_revision{${labels}} ${now.revision}\n`);
        expect(text).toContain(`trimtab_proxy_refused_resources{${labels}} 0\n`);
      }
      expect((await waitingInMetrics()).filter((line) => line.startsWith(proxy))).toEqual([]);
      const events = (await logged()).filter((line) => line.startsWith(`listener-serving ${proxy} `));
      expect(events.map((line) => line.split(" ")[2]).sort()).toEqual(["early", "fresh", "mover", "stream"]);
    },
    RECOVERY_MS * 2,
  );

  it("the end of the program leaves no socket behind", async () => {
    await stopChild(program);
    for (const name of Object.keys(ports) as (keyof typeof ports)[]) await take(name);
  });
});
