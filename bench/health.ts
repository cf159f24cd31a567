/**
 * `npm run bench:health`: one of three endpoints goes out of service under load and comes back, found by each type of health check and by
 * the traffic itself. Printed, as rows of docs/health.md: how long each proxy sends requests to it, how long until it does so again,
 * and how many requests failed. `--rounds N` (default 3). `--flap 300s`: besides, for so long, one endpoint after the other takes no
 * connections for 0.3 to 3 s; status 1 when a request is lost.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { compileDocument, renderFleet } from "../src/suite/modelFiles.ts";
import { ADDRESSES, type RunningProxy, startProxy } from "../src/suite/sameBehaviour/proxies.ts";
import { freePort } from "../src/suite/sameBehaviour/wire.ts";
import { type Load, startLoad } from "./health/load.ts";
import { HEALTH_PATH, type Node, type NodePorts, startNode } from "./health/node.ts";

const { values } = parseArgs({ options: { rounds: { type: "string", default: "3" }, flap: { type: "string" } } });
const ROUNDS = Number(values.rounds);
const FLAP_SECONDS = Number(values.flap?.replace(/s$/, "") ?? 0);
/** How long one is away, and all are there. */
const FLAP_MS = [300, 3_000] as const;

const NODES = ["127.0.0.61", "127.0.0.62", "127.0.0.63"];
const TIMES = { interval: "1s", timeout: "500ms", rise: 2, fall: 3 };
const EJECTION = { interval: "500ms", ejectFor: "5s" };
/** Longer than an endpoint takes to go out, and to come back. */
const SETTLED_MS = 8_000;
/** Without a failure for so long: the endpoint is out. */
const OUT_MS = 1_500;
const PATIENCE_MS = 30_000;
const POLL_MS = 5;

const PROBING = ["envoy", "haproxy"] as const;
const ALL = ["envoy", "nginx", "haproxy"] as const;
type Proxy = (typeof ALL)[number];

/** What finds an endpoint that is out of service. */
interface Row {
  readonly name: string;
  readonly what: string;
  readonly proxies: readonly Proxy[];
  /** Beside the endpoints. */
  readonly cluster: object;
  /** The way in which it goes out of service, or comes back. */
  readonly set: (node: Node, serving: boolean) => Promise<void>;
  /** Whether it is asked while ports open and close. */
  readonly flaps?: true;
}

const serving = (node: Node, isServing: boolean): Promise<void> => node.setServing(isServing);
const ROWS: readonly Row[] = [
  {
    name: "tcp",
    what: "tcp, port closed",
    proxies: PROBING,
    cluster: { healthCheck: "tcp" },
    set: serving,
    flaps: true,
  },
  { name: "http", what: "http, 503", proxies: PROBING, cluster: { healthCheck: "http" }, set: serving },
  { name: "grpc", what: "grpc, NOT_SERVING", proxies: PROBING, cluster: { healthCheck: "grpc" }, set: serving },
  {
    name: "answers",
    what: "outlierDetection, 503",
    proxies: PROBING,
    cluster: { outlierDetection: { ...EJECTION, consecutive5xx: 5 } },
    set: serving,
  },
  {
    name: "refusing",
    what: "outlierDetection, refused",
    proxies: ALL,
    cluster: { outlierDetection: EJECTION },
    set: (node, isOpen) => node.setOpen(isOpen),
    flaps: true,
  },
  {
    name: "nothing",
    what: "nothing, refused",
    proxies: ALL,
    cluster: {},
    set: (node, isOpen) => node.setOpen(isOpen),
    flaps: true,
  },
];

const ports: NodePorts = { http: await freePort(NODES), tcp: await freePort(NODES), grpc: await freePort(NODES) };
const nodes = await Promise.all(NODES.map((address) => startNode(address, ports)));
const addresses = Object.values(ADDRESSES);
const [probed, plain] = [await freePort(addresses), await freePort(addresses)];
const portOf = ({ proxies }: Row): number => (proxies === ALL ? plain : probed);

const { compiled, diagnostics } = compileDocument({
  fleets: ALL.map((proxy) => ({ name: proxy, proxy, bindAddress: ADDRESSES[proxy] })),
  listeners: [
    { name: "probed", fleets: PROBING, port: probed, protocol: "HTTP" },
    { name: "plain", fleets: ALL, port: plain, protocol: "HTTP" },
  ],
  healthChecks: [
    { name: "tcp", type: "tcp", ...TIMES, port: ports.tcp },
    { name: "http", type: "http", ...TIMES, http: { path: HEALTH_PATH } },
    { name: "grpc", type: "grpc", ...TIMES, port: ports.grpc },
  ],
  clusters: ROWS.map(({ name, cluster }) => ({
    name,
    endpoints: NODES.map((address) => ({ address, port: ports.http })),
    ...cluster,
  })),
  routes: [PROBING, ALL].map((proxies) => ({
    name: proxies === ALL ? "plain" : "probed",
    listeners: [proxies === ALL ? "plain" : "probed"],
    rules: ROWS.filter((row) => row.proxies === proxies).map(({ name }) => ({
      matches: [{ path: { prefix: `/${name}` } }],
      split: [{ cluster: name }],
    })),
  })),
});
if (compiled === null) throw new Error(JSON.stringify(diagnostics));

interface Round {
  readonly ejectMs: number;
  readonly recoverMs: number;
  readonly failed: number;
}

/** All proxies of the row at once: they see the same endpoint go and come. */
async function play(row: Row): Promise<ReadonlyMap<Proxy, Round>> {
  const [node] = nodes as [Node];
  const rounds = new Map<Proxy, Round>();
  const loads = row.proxies.map((proxy) => startLoad(ADDRESSES[proxy], portOf(row), `/${row.name}`));
  await Promise.all(loads.map((load) => answeredBy(load, node, performance.now())));
  const down = performance.now();
  await row.set(node, false);
  await sleep(SETTLED_MS);
  const up = performance.now();
  await row.set(node, true);
  const back = await Promise.all(loads.map((load) => answeredBy(load, node, up)));
  for (const [index, proxy] of row.proxies.entries()) {
    const failures = (loads[index] as Load).failures().filter((at) => at > down && at < up);
    const last = failures.find((at, place) => (failures[place + 1] ?? Number.POSITIVE_INFINITY) > at + OUT_MS) ?? down;
    rounds.set(proxy, { ejectMs: last - down, recoverMs: (back[index] as number) - up, failed: failures.length });
  }
  await Promise.all(loads.map((load) => load.stop()));
  return rounds;
}

/** When the node first answers after that time. */
async function answeredBy(load: Load, { name }: Node, since: number): Promise<number> {
  for (const end = since + PATIENCE_MS; performance.now() < end; await sleep(POLL_MS)) {
    if (load.lastAnswer(name) > since) return load.lastAnswer(name);
  }
  throw new Error(`${name} did not come back`);
}

function line(cells: readonly (string | number)[]): void {
  process.stdout.write(`| ${cells.join(" | ")} |\n`);
}

const range = (numbers: readonly number[]): string =>
  `${(Math.min(...numbers) / 1000).toFixed(1)} to ${(Math.max(...numbers) / 1000).toFixed(1)}`;

async function measure(): Promise<void> {
  line(["found by", "proxy", "out after (s)", "back after (s)", "requests failed"]);
  line(["---", "---", "---", "---", "---"]);
  for (const row of ROWS) {
    const rounds: ReadonlyMap<Proxy, Round>[] = [];
    for (let index = 0; index < ROUNDS; index++) rounds.push(await play(row));
    for (const proxy of row.proxies) {
      const own = rounds.map((round) => round.get(proxy) as Round);
      const failed = own.map((round) => round.failed);
      const out = failed.every((count) => count === 0) ? "-" : range(own.map(({ ejectMs }) => ejectMs));
      const [least, most] = [Math.min(...failed), Math.max(...failed)];
      const lost = least === most ? least : `${least} to ${most}`;
      line([row.what, proxy, out, range(own.map(({ recoverMs }) => recoverMs)), lost]);
    }
  }
}

/** One endpoint after the other takes no connections for a while. */
async function flap(): Promise<number> {
  const end = performance.now() + FLAP_SECONDS * 1000;
  const runs = ROWS.filter(({ flaps }) => flaps).flatMap((row) =>
    row.proxies.map((proxy) => ({ row, proxy, load: startLoad(ADDRESSES[proxy], portOf(row), `/${row.name}`) })),
  );
  const pause = () => sleep(FLAP_MS[0] + Math.random() * (FLAP_MS[1] - FLAP_MS[0]));
  let changes = 0;
  for (; performance.now() < end; changes++) {
    const node = nodes[Math.floor(Math.random() * nodes.length)] as Node;
    await node.setOpen(false);
    await pause();
    await node.setOpen(true);
    await pause();
  }
  await Promise.all(runs.map(({ load }) => load.stop()));
  line(["found by", "proxy", "endpoints that went", "requests", "requests failed"]);
  line(["---", "---", "---", "---", "---"]);
  for (const { row, proxy, load } of runs) line([row.what, proxy, changes, load.sent(), load.failures().length]);
  return runs.reduce((sum, { load }) => sum + load.failures().length, 0);
}

const running: RunningProxy[] = [];
try {
  for (const ir of compiled.fleets.values()) running.push(await startProxy(ir.proxy, renderFleet(ir), plain));
  if (ROUNDS > 0) await measure();
  if (FLAP_SECONDS > 0 && (await flap()) > 0) process.exitCode = 1;
} finally {
  for (const proxy of running) await proxy.stop();
  await Promise.all(nodes.map((node) => node.close()));
}
// Connections of the load end with the process.
setImmediate(() => process.exit());
