/** Policies of clusters: shares by weight, chance, and keys that keep their endpoint when others go and come. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { must } from "../harness/api.ts";
import { e2e, type ProxyName, proxyNames } from "../harness/context.ts";
import { foreignMoves, placesOf } from "../harness/keys.ts";
import { type Document, route } from "../harness/model.ts";
import { until } from "../harness/process.ts";
import { connectTo, type RawRequest } from "../harness/rawHttp.ts";
import { ask, reloadFileProxies, serve } from "../harness/serve.ts";
import { shares } from "../harness/shares.ts";
import { startEcho, startTcpEcho, type Upstream } from "../harness/upstream.ts";
import { stat } from "../proxies/envoy.ts";

const host = "balance.e2e.example";
/** `npm run bench:balance` takes more, and tells what moved. */
const LONG_KEYS = process.env.TRIMTAB_BALANCE_KEYS;
const KEYS = Array.from({ length: Number(LONG_KEYS ?? 300) }, (_, index) => `user-${index}`);
/** Of the case in which endpoints go and come: a request for each key, eight times, and as many reloads. */
const MOVES_TIMEOUT_MS = LONG_KEYS === undefined ? 60_000 : 600_000;
/** Of keys whose endpoint stayed. */
const MAX_FOREIGN = 0.03;
const REQUESTS = 1_200;

let upstreams: Upstream[];
let tcpUpstreams: Upstream[];

/** What a request says to be the same key, by kind of key. */
const keyed: Readonly<Record<string, (key: string) => RawRequest>> = {
  source: (key) => ({
    host,
    path: "/source",
    source: `127.1.${Number(key.slice(5)) >> 6}.${(Number(key.slice(5)) & 63) + 1}`,
  }),
  header: (key) => ({ host, path: "/header", headers: [["X-User", key]] }),
  cookie: (key) => ({ host, path: "/cookie", headers: [["Cookie", `SID=other; a=b; sid=${key}; sid=later; c=d`]] }),
  query: (key) => ({ host, path: `/query?USER=other&a=b&user=${key}&user=later` }),
  path: (key) => ({ host, path: `/path/${key}?${Math.random()}` }),
};
/** Without a key. */
const keyless: Readonly<Record<string, RawRequest>> = {
  header: { host, path: "/header" },
  cookie: { host, path: "/cookie", headers: [["Cookie", "SID=other; xsid=no"]] },
  query: { host, path: "/query?USER=other&xuser=1" },
};

interface Pool {
  readonly balance: object;
  readonly servers: readonly Upstream[];
  readonly weights?: readonly number[];
}

function pool(name: string, { balance, servers, weights = [] }: Pool): Document {
  const endpoints = servers.map(({ port }, index) => ({ address: "127.0.0.1", port, weight: weights[index] ?? 1 }));
  return { name, endpoints, balance };
}

function hashed(by: string, name: string | undefined, servers: readonly Upstream[] = upstreams.slice(0, 5)): Document {
  const hash = { by, ...(name === undefined ? {} : { name }) };
  return pool(`by-${by}`, { balance: { policy: "hash", hash }, servers });
}

/** Takes the endpoints of a cluster, and waits until every proxy has them. */
async function use(servers: readonly Upstream[]): Promise<void> {
  await must(e2e().program.api, "PUT /v1/clusters/by-header", { body: hashed("header", "x-user", servers) });
  await reloadFileProxies();
  const { envoy } = e2e().proxies;
  await until("Envoy has the endpoints", async () => {
    const text = await (await fetch(`${envoy.admin}/clusters`)).text();
    const known = upstreams.filter(({ port }) => text.includes(`by-header::127.0.0.1:${port}::weight::`));
    return known.length === servers.length && servers.every((server) => known.includes(server)) ? true : null;
  });
  // Workers of before may still take new connections.
  await Promise.all(
    proxyNames.map((proxy) =>
      until(`${proxy} uses these endpoints`, async () => {
        const names = new Set((await placesOf(proxy, KEYS.slice(0, 100), keyed.header!)).values());
        return names.size === servers.length && servers.every(({ name }) => names.has(name)) ? true : null;
      }),
    ),
  );
}

/** A figure of the long form. */
function tell(figure: string): void {
  if (LONG_KEYS !== undefined) process.stdout.write(`${figure}\n`);
}

const header = (proxy: ProxyName) => placesOf(proxy, KEYS, keyed.header!);

beforeAll(async () => {
  upstreams = await Promise.all(["a", "b", "c", "d", "e", "f"].map((name) => startEcho(`bal-${name}`)));
  tcpUpstreams = await Promise.all(["a", "b", "c"].map((name) => startTcpEcho(`raw-${name}`)));
  const { ports } = e2e();
  const three = upstreams.slice(0, 3);
  const to = (path: string, cluster: string, more: object = {}) => ({
    matches: [{ path: { prefix: path } }],
    split: [{ cluster }],
    ...more,
  });
  await serve({
    listeners: [
      { name: "bounded", fleets: ["envoy", "haproxy"], port: ports.http2, protocol: "HTTP" },
      { name: "hashed-bytes", fleets: [...proxyNames], port: ports.tcp, protocol: "TCP" },
    ],
    clusters: [
      pool("bounded", {
        balance: { policy: "hash", hash: { by: "header", name: "x-user", boundedLoad: 150 } },
        servers: three,
      }),
      pool("turn", { balance: { policy: "roundRobin" }, servers: three, weights: [3, 2, 1] }),
      pool("random", { balance: { policy: "random" }, servers: three }),
      pool("two", { balance: { policy: "powerOfTwo" }, servers: three }),
      hashed("source", undefined),
      hashed("header", "x-user"),
      hashed("cookie", "sid"),
      hashed("query", "user"),
      hashed("path", undefined),
      pool("raw", { balance: { policy: "hash", hash: { by: "source" } }, servers: tcpUpstreams }),
    ],
    routes: [
      route(
        "balance",
        host,
        to("/turn", "turn"),
        to("/random", "random"),
        to("/two", "two"),
        to("/source", "by-source"),
        to("/header", "by-header"),
        to("/cookie", "by-cookie"),
        to("/query", "by-query"),
        to("/path", "by-path", { rewrite: { path: { prefix: "/new" } } }),
      ),
      { name: "bounded", listeners: ["bounded"], hostnames: [host], rules: [{ split: [{ cluster: "bounded" }] }] },
      { name: "hashed-bytes", listeners: ["hashed-bytes"], protocol: "tcp", rules: [{ split: [{ cluster: "raw" }] }] },
    ],
  });
});

afterAll(async () => {
  await Promise.all([...upstreams, ...tcpUpstreams].map((upstream) => upstream.close()));
});

/** How far a count of `REQUESTS` draws may be off: three standard deviations. */
function tolerance(share: number): number {
  return 3 * Math.sqrt(REQUESTS * share * (1 - share));
}

async function expectShares(proxy: ProxyName, path: string, wanted: Readonly<Record<string, number>>): Promise<void> {
  const counts = await shares(proxy, { host, path }, REQUESTS);
  for (const [name, share] of Object.entries(wanted)) {
    const off = Math.abs((counts[name] ?? 0) - REQUESTS * share);
    expect(off, `${proxy} ${path} ${JSON.stringify(counts)}`).toBeLessThanOrEqual(tolerance(share));
  }
}

describe.each(proxyNames)("%s", (proxy) => {
  // One retry: a fair draw is outside three standard deviations once in 370 runs.
  it("goes round by weight, and draws by chance", { retry: 1 }, async () => {
    await expectShares(proxy, "/turn", { "bal-a": 3 / 6, "bal-b": 2 / 6, "bal-c": 1 / 6 });
    await expectShares(proxy, "/random", { "bal-a": 1 / 3, "bal-b": 1 / 3, "bal-c": 1 / 3 });
  });

  it("power of two: an endpoint that answers slowly gets few requests", async () => {
    upstreams[0]!.setDelay(50);
    const counts = await shares(proxy, { host, path: "/two" }, 300);
    upstreams[0]!.setDelay(0);
    // In turn it would be 100.
    expect(counts["bal-a"] ?? 0, JSON.stringify(counts)).toBeLessThan(70);
  });

  it.each(Object.keys(keyed))("hash by %s: one key, one endpoint; all endpoints have keys", async (by) => {
    const keys = KEYS.slice(0, 60);
    const first = await placesOf(proxy, keys, keyed[by]!);
    expect(await placesOf(proxy, keys, keyed[by]!)).toEqual(first);
    expect([...new Set(first.values())].sort()).toEqual(["bal-a", "bal-b", "bal-c", "bal-d", "bal-e"]);
  });

  it.each(Object.keys(keyless))("a request without %s goes to any endpoint", async (by) => {
    const counts = await shares(proxy, keyless[by]!, 60);
    expect(Object.keys(counts).length, JSON.stringify(counts)).toBeGreaterThan(2);
  });

  it("TCP by source: one client, one endpoint", async () => {
    const greeting = (source: string) =>
      new Promise<string>((resolve, reject) => {
        connectTo({ address: e2e().proxies[proxy].address, port: e2e().ports.tcp }, source).then((socket) => {
          socket.once("data", (data) => {
            resolve(data.toString().trim());
            socket.destroy();
          });
          socket.once("error", reject);
        }, reject);
      });
    const clients = Array.from({ length: 30 }, (_, index) => `127.2.0.${index + 1}`);
    const first = await Promise.all(clients.map(greeting));
    expect(await Promise.all(clients.map(greeting))).toEqual(first);
    expect(new Set(first).size).toBe(3);
  });
});

/** nginx has none. */
describe.each(["envoy", "haproxy"] as const)("%s", (proxy) => {
  it("bounded load: keys go elsewhere while their endpoint has more than its share", async () => {
    const request = { host, path: "/", port: e2e().ports.http2, headers: [["X-User", "one"]] } as const;
    await until(`${proxy} listens`, async () => ((await ask(proxy, request)).status === 200 ? true : null));
    const alone = await ask(proxy, request);
    expect((await ask(proxy, request)).echo?.name).toBe(alone.echo?.name);
    const slow = { ...request, headers: [...request.headers, ["X-E2E", "slow=600"] as const] };
    // One after the other: Envoy counts a request when it has a connection to its endpoint, and would not see 60 that come at once.
    const sent: ReturnType<typeof ask>[] = [];
    for (let count = 0; count < 60; count++) {
      sent.push(ask(proxy, slow));
      await sleep(5);
    }
    const answers = await Promise.all(sent);
    const own = answers.filter(({ echo }) => echo?.name === alone.echo?.name).length;
    // Without a bound 60; with it half as many as that (1.5 of a third), and one more for each worker that counts for itself.
    expect(own).toBeGreaterThanOrEqual(20);
    expect(own).toBeLessThanOrEqual(34);
  });
});

const MOVES =
  "an endpoint that goes moves its own keys, one that comes its share; both, when it comes back, nothing else";

it(MOVES, { timeout: MOVES_TIMEOUT_MS }, async () => {
  const five = upstreams.slice(0, 5);
  const before = new Map(await Promise.all(proxyNames.map(async (proxy) => [proxy, await header(proxy)] as const)));
  const { envoy } = e2e().proxies;
  const listeners = await stat(envoy, "listener_manager.lds.update_success");
  for (const gone of five) {
    await use(five.filter((server) => server !== gone));
    for (const proxy of proxyNames) {
      const known = before.get(proxy)!;
      const moved = foreignMoves(known, await header(proxy), { gone: gone.name });
      const stayed = [...known.values()].filter((place) => place !== gone.name).length;
      tell(`${proxy} without ${gone.name}: ${known.size - stayed} keys moved, ${moved.length} of ${stayed} others`);
      expect(moved.length / stayed, `${proxy} without ${gone.name}: ${moved}`).toBeLessThanOrEqual(MAX_FOREIGN);
    }
  }
  const sixth = upstreams[5]!;
  await use(upstreams);
  for (const proxy of proxyNames) {
    const after = await header(proxy);
    const moved = foreignMoves(before.get(proxy)!, after, { came: sixth.name });
    expect(moved.length / KEYS.length, `${proxy} with ${sixth.name}: ${moved}`).toBeLessThanOrEqual(MAX_FOREIGN);
    const share = [...after.values()].filter((place) => place === sixth.name).length / KEYS.length;
    tell(`${proxy} with ${sixth.name}: ${Math.round(share * KEYS.length)} keys moved to it, ${moved.length} elsewhere`);
    // A sixth, three standard deviations of the keys, and a fifth of it for the ring's own points.
    expect(share, proxy).toBeLessThan((1 / 6) * 1.2 + 3 * Math.sqrt(((1 / 6) * (5 / 6)) / KEYS.length));
  }
  await use(five);
  for (const proxy of proxyNames) expect(foreignMoves(before.get(proxy)!, await header(proxy), {}), proxy).toEqual([]);
  expect(await stat(envoy, "listener_manager.lds.update_success"), "no listener was touched").toBe(listeners);
  expect((await ask("envoy", { host, path: "/header" })).status).toBe(200);
});
