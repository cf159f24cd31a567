/** `healthChecks: agent`: who fails goes and comes back on nginx as on Envoy and HAProxy, under load; probes mean the same. */
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { stringify } from "yaml";
import { must } from "../harness/api.ts";
import { e2e, type ProxyName, proxyNames } from "../harness/context.ts";
import { type GrpcHealth, startGrpcHealth } from "../harness/grpcHealth.ts";
import type { Document, Model } from "../harness/model.ts";
import { freePort } from "../harness/ports.ts";
import { type Child, startChild, stopChild, until } from "../harness/process.ts";
import { programEntry } from "../harness/program.ts";
import { send } from "../harness/rawHttp.ts";
import { startEcho, type Upstream } from "../harness/upstream.ts";

/** Of the proxies that `trimtab dev` starts here. */
const addresses: Readonly<Record<ProxyName, string>> = {
  envoy: "127.0.0.41",
  nginx: "127.0.0.42",
  haproxy: "127.0.0.43",
};
const host = "prober.e2e.example";
/**
 * Drawn: of two endpoints that serve, one is missed by all of these one time in 30 000. In turn, load between them could always meet
 * the other.
 */
const REQUESTS = 16;
/** `npm run bench:prober`: so many times, with times printed. */
const LONG_ROUNDS = process.env.TRIMTAB_PROBER_ROUNDS;
const ROUNDS = Number(LONG_ROUNDS ?? 1);
const INTERVAL_MS = LONG_ROUNDS === undefined ? 200 : 1_000;
/** Of one round on a busy machine. */
const LIMIT = { timeout: ROUNDS * 60_000 };
/** Longer than two reloads are apart. */
const QUIET_MS = LONG_ROUNDS === undefined ? 0 : 2_500;
/** Reloads of nginx are this far apart, and take a moment. */
const RELOAD_MS = 3_000;

let program: Child;
let api: string;
let port: number;
let upstreams: Upstream[];
let grpcHealth: GrpcHealth;

/** A busy machine answers late; an answer that is wrong comes at once. */
const common = { interval: `${INTERVAL_MS}ms`, timeout: "2s", rise: 2, fall: 2 };
const talk = "GET /it's-100%-#up HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n";

/** Check -> whether an endpoint that is well passes it. Each has a cluster of its name, under a path of its name. */
const others = (): readonly (readonly [Document, boolean])[] => [
  [{ name: "port-open", type: "tcp", ...common }, true],
  [{ name: "text-there", type: "tcp", ...common, tcp: { send: talk, expect: "/it's-100%-#up" } }, true],
  [{ name: "text-not-there", type: "tcp", ...common, tcp: { send: talk, expect: "no" } }, false],
  [{ name: "body-there", type: "http", ...common, http: { path: "/b", body: { contains: '"path":"/b"' } } }, true],
  [{ name: "body-not-there", type: "http", ...common, http: { body: { contains: "not there" } } }, false],
  [{ name: "status-wrong", type: "http", ...common, http: { expectedStatus: ["300-399"] } }, false],
  [{ name: "grpc-whole", type: "grpc", ...common, port: grpcHealth.port }, true],
  [{ name: "grpc-not-served", type: "grpc", ...common, port: grpcHealth.port, grpc: { service: "none" } }, false],
];

function model(): Model {
  const checks = [
    { name: "page", type: "http", ...common, http: { path: "/health" } },
    ...others().map(([own]) => own),
  ];
  const endpoints = upstreams.map((upstream) => ({ address: "127.0.0.1", port: upstream.port }));
  const rules = others().map(([{ name }]) => ({
    matches: [{ path: { prefix: `/${String(name)}` } }],
    split: [{ cluster: String(name) }],
  }));
  return {
    fleets: proxyNames.map((name) => ({
      name,
      proxy: name,
      bindAddress: addresses[name],
      ...(name === "nginx" ? { healthChecks: "agent" } : {}),
    })),
    listeners: [{ name: "web", fleets: [...proxyNames], port, protocol: "HTTP" }],
    geoTables: [],
    healthChecks: checks,
    clusters: [
      { name: "page", endpoints, healthCheck: "page", balance: { policy: "random" } },
      ...others().map(([{ name }]) => ({
        name: String(name),
        endpoints: endpoints.slice(1),
        healthCheck: String(name),
      })),
    ],
    routes: [
      { name: "page", listeners: ["web"], hostnames: [host], rules: [...rules, { split: [{ cluster: "page" }] }] },
    ],
    canaries: [],
    certificates: [],
    authorities: [],
  };
}

beforeAll(async () => {
  port = await freePort(...Object.values(addresses));
  upstreams = await Promise.all(["a", "b"].map((name) => startEcho(name)));
  grpcHealth = await startGrpcHealth();
  grpcHealth.set("", true);
  const dir = await mkdtemp(join(e2e().workDir, "prober-"));
  const [http, xds] = [await freePort(), await freePort()];
  api = `http://127.0.0.1:${http}`;
  await mkdir(join(dir, "data"));
  const file = join(dir, "config.yaml");
  await writeFile(file, stringify(model()));
  const sockets = ["--http", `127.0.0.1:${http}`, "--xds", `127.0.0.1:${xds}`, "--data", join(dir, "data")];
  program = startChild(process.execPath, [programEntry(), "dev", file, ...sockets], { logFile: join(dir, "dev.log") });
  await Promise.all(proxyNames.map((proxy) => untilTakers(proxy, "a b")));
});

afterAll(async () => {
  await stopChild(program);
  await grpcHealth.close();
  await Promise.all(upstreams.map((upstream) => upstream.close()));
});

/** Requests are answered whatever the endpoint says to probes. */
const WELL = [["x-e2e", "status=200"]] as const;

/** An answer of the cluster that is moved: when, and of whom. */
interface Seen {
  readonly at: number;
  readonly by: string;
}
const seen: Record<ProxyName, Seen[]> = { envoy: [], nginx: [], haproxy: [] };

/** Who answered, or the status. */
async function askOnce(proxy: ProxyName, path: string): Promise<string> {
  const { status, body } = await send({ address: addresses[proxy], port }, { path, host, headers: WELL });
  const by = status === 200 ? String((JSON.parse(body) as { name: string }).name) : String(status);
  if (path === "/") seen[proxy].push({ at: performance.now(), by });
  return by;
}

async function takers(proxy: ProxyName, path: string): Promise<string> {
  const seen = new Set<string>();
  for (let sent = 0; sent < REQUESTS; sent++) seen.add(await askOnce(proxy, path).catch(String));
  return [...seen].sort().join(" ");
}

/** Starting takes its time on a busy machine. */
const PATIENCE_MS = 30_000;

async function untilTakers(proxy: ProxyName, wanted: string, path = "/"): Promise<void> {
  const look = async (): Promise<true> => {
    const found = await takers(proxy, path);
    if (found !== wanted) throw new Error(`now: ${found}`);
    return true;
  };
  await until(`${wanted} take(s) the requests of ${proxy} for ${path}`, look, { timeoutMs: PATIENCE_MS });
}

/** The endpoints that the agent beside nginx says are down, by cluster. */
async function down(): Promise<readonly { cluster: string; port: number; reason: string; since: string }[]> {
  const { items } = (await must(api, "GET /v1/fleets/nginx/proxies")).json as {
    items: { source: string; endpointsDown: { cluster: string; port: number; reason: string; since: string }[] }[];
  };
  return items.find(({ source }) => source === "agent")?.endpointsDown ?? [];
}

it("every kind of probe means the same on all three", async () => {
  // HAProxy begins with all up, and learns at the timeout that a gRPC server says no.
  await Promise.all(
    others().flatMap(([{ name }, passes]) =>
      proxyNames.map((proxy) => untilTakers(proxy, passes ? "b" : "503", `/${String(name)}`)),
    ),
  );
  const failing = others().flatMap(([{ name }, passes]) => (passes ? [] : [String(name)]));
  expect((await down()).map(({ cluster }) => cluster)).toEqual(failing.sort());
});

/** Asks all proxies one request after the other; gives what ends that. */
function startLoad(): () => Promise<unknown> {
  let going = true;
  const loops = proxyNames.map(async (proxy) => {
    while (going)
      await askOnce(proxy, "/").catch((error) => seen[proxy].push({ at: performance.now(), by: String(error) }));
  });
  return () => {
    going = false;
    return Promise.all(loops);
  };
}

it(
  "an endpoint goes and comes back without a failed request; nginx needs as long as the others, or up to its next reload",
  LIMIT,
  async () => {
    for (const proxy of proxyNames) seen[proxy] = [];
    const stop = startLoad();
    const [a] = upstreams as [Upstream];
    const rows: string[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const begun = performance.now();
      // Its health is bad, and it answers all the same.
      a.setStatus(500);
      await Promise.all(proxyNames.map((proxy) => untilTakers(proxy, "b")));
      const told = (await down()).filter(({ cluster }) => cluster === "page");
      expect(told).toMatchObject([{ port: a.port, reason: "status 500" }]);
      await sleep(QUIET_MS);
      const back = performance.now();
      a.setStatus(200);
      await Promise.all(proxyNames.map((proxy) => untilTakers(proxy, "a b")));
      const times = proxyNames.map((proxy) => {
        const ofA = seen[proxy].filter(({ by, at }) => by === "a" && at > begun);
        const last = ofA.findLast(({ at }) => at < back)?.at ?? begun;
        const first = ofA.find(({ at }) => at > back)?.at ?? back;
        return { proxy, out: last - begun, back: first - back };
      });
      rows.push(times.map((own) => `${own.proxy} ${own.out.toFixed(0)} ${own.back.toFixed(0)}`).join("  "));
      const slowest = Math.max(...times.filter(({ proxy }) => proxy !== "nginx").map(({ out }) => out));
      expect(times.find(({ proxy }) => proxy === "nginx")?.out).toBeLessThan(slowest + RELOAD_MS);
      await sleep(QUIET_MS);
    }
    await stop();
    for (const proxy of proxyNames) {
      expect([proxy, ...seen[proxy].filter(({ by }) => by !== "a" && by !== "b")]).toEqual([proxy]);
    }
    const metrics = await (await fetch(`${api}/metrics`)).text();
    expect(metrics).toContain('trimtab_endpoints_down{fleet="nginx",node="dev-nginx"}');
    expect(metrics).not.toContain('trimtab_endpoints_down{fleet="haproxy"');
    if (LONG_ROUNDS !== undefined)
      console.log(`ms out and back, interval ${INTERVAL_MS} ms, rise and fall 2\n${rows.join("\n")}`);
  },
);
