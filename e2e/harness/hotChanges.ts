/**
 * Changes of what runs under load: `trimtab dev` with the three real proxies, keep-alive and fresh connections to each, so many changes of
 * one kind after the other; which requests failed, and what nginx and HAProxy did to take the changes.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { must } from "./api.ts";
import { ask, load, type Requests } from "./load.ts";
import { freePort } from "./ports.ts";
import { type Child, startChild, stopChild, until } from "./process.ts";
import { programEntry } from "./program.ts";

export const hotProxies = ["envoy", "nginx", "haproxy"] as const;
export type HotProxy = (typeof hotProxies)[number];

/** Where they listen; of these runs only. */
const ADDRESSES: Readonly<Record<HotProxy, string>> = {
  envoy: "127.0.0.51",
  nginx: "127.0.0.52",
  haproxy: "127.0.0.53",
};
/** Endpoints that take part; those that go get nothing new, but their requests have to end. */
const ENDPOINTS = 12;
/** nginx waits for two seconds between reloads; a busy machine. */
const SETTLE_MS = 60_000;
const LOOK_MS = 10;

/** For these HAProxy needs no reload. Each kind has a path of its own, and those of endpoints a cluster. */
const clusterKinds = ["weight", "drain", "down", "address", "count"] as const;
export const hotKinds = [...clusterKinds, "move", "share"] as const;
/** For these it does. */
export const coldKinds = ["check"] as const;
export type Kind = (typeof hotKinds)[number] | (typeof coldKinds)[number];

/** What became of the requests to one kind's path. */
export interface KindRow {
  readonly kind: Kind;
  readonly proxy: HotProxy;
  readonly keepAlive: Requests;
  readonly fresh: Requests;
}

/** What the proxies that read files did, as their agents count. */
export interface Taken {
  readonly reloads: number;
  readonly runtimeChanges: number;
}

/** What came of a series. */
export interface Series {
  readonly rows: readonly KindRow[];
  readonly nginx: Taken;
  readonly haproxy: Taken;
  /** Processes of HAProxy that served, one after the other, as it says itself. */
  readonly workers: number;
}

export interface HotRun {
  /**
   * So many revisions, each with a change of each of these kinds. Hot ones wait until Envoy and HAProxy have the last, others for
   * `everyMs`. Done when all proxies have all.
   */
  measure(kinds: readonly Kind[], revisions: number, everyMs: number): Promise<Series>;
  close(): Promise<void>;
}

interface Endpoint {
  readonly address: string;
  readonly port: number;
  readonly weight?: number;
  readonly state?: string;
}

/** `folder` is for data and the log. */
export async function startHotRun(folder: string): Promise<HotRun> {
  const upstreams = await Promise.all(Array.from({ length: ENDPOINTS }, startUpstream));
  const pool = upstreams.map(({ port }) => ({ address: "127.0.0.1", port }));
  const port = await freePort(...Object.values(ADDRESSES));
  const [http, xds] = [await freePort(), await freePort()];
  const file = join(folder, "hot.json");
  await mkdir(join(folder, "data"), { recursive: true });
  await writeFile(file, JSON.stringify({ fleets: fleets() }));
  const sockets = ["--http", `127.0.0.1:${http}`, "--xds", `127.0.0.1:${xds}`, "--data", join(folder, "data")];
  const child: Child = startChild(process.execPath, [programEntry(), "dev", file, ...sockets], {
    logFile: join(folder, "dev.log"),
  });
  const api = `http://127.0.0.1:${http}`;
  const admin = join(folder, "data", `127.0.0.1-${http}`, "run", "haproxy", "haproxy.sock");
  const close = async (): Promise<void> => {
    await stopChild(child);
    for (const { server } of upstreams) {
      server.closeAllConnections();
      server.close();
    }
  };
  try {
    await until("the API answers", async () => ((await fetch(`${api}/readyz`)).ok ? true : null), {
      timeoutMs: SETTLE_MS,
    });
    await settled(api, (await must(api, "POST /v1/config/apply", { body: model(port, pool) })).json.revision);
    for (const proxy of hotProxies) {
      await until(
        `${proxy} serves`,
        async () =>
          (await ask({ host: ADDRESSES[proxy], port, path: "/weight", agent: null })) === null ? true : null,
        {
          timeoutMs: SETTLE_MS,
        },
      );
    }
  } catch (error) {
    await close();
    throw error;
  }
  return {
    close,
    async measure(kinds, revisions, everyMs) {
      const before = await takenBy(api);
      const workers = new Set([await workerOf(admin)]);
      const loads = kinds.flatMap((kind) =>
        hotProxies.map((proxy) => {
          const at = { host: ADDRESSES[proxy], port, path: `/${kind}` };
          return { kind, proxy, keepAlive: load(at, true), fresh: load(at, false) };
        }),
      );
      let revision = 0;
      for (let index = 0; index < revisions; index++) {
        const next = sleep(everyMs);
        const body = changesOf(kinds, index, pool);
        ({ revision } = (await must(api, "POST /v1/config/apply", { body })).json);
        // Else some would be joined, and nobody could say that each had been made.
        if (kinds.every(isHot)) await settled(api, revision, ["envoy", "haproxy"]);
        workers.add(await workerOf(admin));
        await next;
      }
      await settled(api, revision);
      workers.add(await workerOf(admin));
      const after = await takenBy(api);
      const rows: KindRow[] = [];
      for (const { kind, proxy, keepAlive, fresh } of loads) {
        const [kept, single] = await Promise.all([keepAlive.stop(), fresh.stop()]);
        rows.push({ kind, proxy, keepAlive: kept, fresh: single });
      }
      const [nginx, haproxy] = [less(after.nginx, before.nginx), less(after.haproxy, before.haproxy)];
      return { rows, nginx, haproxy, workers: workers.size };
    },
  };
}

function isHot(kind: Kind): boolean {
  return hotKinds.some((hot) => hot === kind);
}

function fleets(): readonly object[] {
  return hotProxies.map((proxy) => ({
    name: proxy,
    proxy,
    bindAddress: ADDRESSES[proxy],
    // The prober is no part of these runs.
    ...(proxy === "nginx" ? { healthChecks: "external" } : {}),
  }));
}

function model(port: number, pool: readonly Endpoint[]): object {
  const start = pool.slice(0, 3);
  return {
    fleets: fleets(),
    listeners: [{ name: "web", fleets: hotProxies, port, protocol: "HTTP" }],
    ...routes("weight", 1),
    ...checks(0),
    clusters: [
      ...clusterKinds.map((kind) => cluster(kind, start)),
      { ...cluster("check", start), healthCheck: "probe" },
    ],
  };
}

const cluster = (name: string, endpoints: readonly Endpoint[]): object => ({ name, endpoints });
/** `target`: where the path that moves leads; `share`: per cent of the split's first cluster. */
function routes(target: string, share: number): object {
  const splitOf = (kind: Kind): readonly object[] => {
    if (kind !== "share") return [{ cluster: kind === "move" ? target : kind }];
    return [
      { cluster: "weight", weight: share },
      { cluster: "count", weight: 100 - share },
    ];
  };
  const rules = [...hotKinds, ...coldKinds].map((kind) => ({
    name: kind,
    matches: [{ path: { prefix: `/${kind}` } }],
    split: splitOf(kind),
  }));
  return { routes: [{ name: "hot", listeners: ["web"], rules }] };
}

const checks = (index: number): object => ({
  healthChecks: [{ name: "probe", type: "tcp", interval: `${1000 + (index % 7)}ms`, timeout: "1s", rise: 1, fall: 3 }],
});

/** A change of each kind, each unlike the one before it. */
function changesOf(kinds: readonly Kind[], index: number, pool: readonly Endpoint[]): object {
  const [a, b, c, ...others] = pool as [Endpoint, Endpoint, Endpoint, ...Endpoint[]];
  const other = others[Math.floor(index / 2) % others.length] as Endpoint;
  const isBack = index % 2 === 1;
  const endpoints: Readonly<Record<(typeof clusterKinds)[number], readonly Endpoint[]>> = {
    weight: [a, { ...b, weight: isBack ? 1 : 2 + (index % 255) }, c],
    drain: [a, isBack ? b : { ...b, state: "drain" }, c],
    down: [a, isBack ? b : { ...b, state: "down" }, c],
    address: [a, b, isBack ? c : other],
    count: isBack ? [a, b, c] : [a, b, c, other],
  };
  return {
    clusters: clusterKinds.filter((kind) => kinds.includes(kind)).map((kind) => cluster(kind, endpoints[kind])),
    ...(kinds.includes("move") ? routes(isBack ? "weight" : "drain", 1 + (index % 99)) : {}),
    ...(kinds.includes("check") ? checks(index + 1) : {}),
  };
}

async function startUpstream(): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer({ keepAliveTimeout: 600_000 }, (_, answer) => answer.end("ok"));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", 1024, done));
  return { server, port: (server.address() as { port: number }).port };
}

async function takenBy(api: string): Promise<Readonly<Record<"nginx" | "haproxy", Taken>>> {
  const of = async (proxy: HotProxy): Promise<Taken> =>
    (await must(api, `GET /v1/fleets/${proxy}/proxies`)).json.items[0];
  return { nginx: await of("nginx"), haproxy: await of("haproxy") };
}

function less(after: Taken, before: Taken): Taken {
  return { reloads: after.reloads - before.reloads, runtimeChanges: after.runtimeChanges - before.runtimeChanges };
}

/** The proxy runs what this revision gives. */
async function hasRevision(api: string, proxy: HotProxy, revision: number): Promise<true | null> {
  const [item] = (await must(api, `GET /v1/fleets/${proxy}/proxies`)).json.items;
  if (item?.source === "xds") return item.ackedRevision >= revision ? true : null;
  return item?.state === "serving" && item.revision >= revision ? true : null;
}

async function settled(api: string, revision: number, proxies: readonly HotProxy[] = hotProxies): Promise<void> {
  for (const proxy of proxies) {
    await until(`${proxy} has revision ${revision}`, () => hasRevision(api, proxy, revision), {
      timeoutMs: SETTLE_MS,
      everyMs: LOOK_MS,
    });
  }
}

/** The pid of the HAProxy that takes connections. */
function workerOf(socket: string): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    const connection = connect({ path: socket }, () => connection.write("show info\n"));
    connection.setEncoding("utf8").on("data", (part: string) => {
      text += part;
    });
    connection.on("error", () => {});
    connection.on("close", () => resolve(/^Pid: (\d+)$/m.exec(text)?.[1] ?? ""));
  });
}
