/**
 * `npm run bench:failover`: one of two endpoints is dead, its connections refused or black-holed. So many requests and TCP connections
 * to each proxy: how many fail, and how long they take. `--requests N` (default 10 000). Status 1 when one fails.
 */
import { Agent, request } from "node:http";
import { connect, createServer, type Server } from "node:net";
import { parseArgs } from "node:util";
import { compileDocument, renderFleet } from "../src/suite/modelFiles.ts";
import { ADDRESSES, type RunningProxy, startProxy } from "../src/suite/sameBehaviour/proxies.ts";
import { freePort } from "../src/suite/sameBehaviour/wire.ts";
import { startFull } from "../src/suite/timeouts/full.ts";

const { values } = parseArgs({ options: { requests: { type: "string", default: "10000" } } });
const REQUESTS = Number(values.requests);
/** At once. A black hole holds each of them for the connect timeout. */
const CONCURRENT = 50;
const CONNECT_MS = 100;
const PROXIES = ["envoy", "nginx", "haproxy"] as const;
const WAYS = ["refused", "black hole"] as const;
const POLICIES = ["roundRobin", "leastRequest"] as const;
const ANSWER = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

async function listen(server: Server): Promise<number> {
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", 4096, done));
  return (server.address() as { port: number }).port;
}

/** Answers every piece that it gets; a greeting for TCP is an answer too. */
const endpoint = createServer((socket) => {
  socket.on("error", () => {});
  socket.on("data", () => socket.write(ANSWER));
});
const live = await listen(endpoint);
const dead = await freePort(["127.0.0.1"]);
const full = await startFull();
const addresses = Object.values(ADDRESSES);
const http = await freePort(addresses);
const tcp = { refused: await freePort(addresses), "black hole": await freePort(addresses) };

const clusterName = (way: string, policy: string): string =>
  `${way === "refused" ? "refused" : "hole"}-${policy.toLowerCase()}`;
const clusters = WAYS.flatMap((way) =>
  POLICIES.map((policy) => ({
    name: clusterName(way, policy),
    balance: { policy },
    timeouts: { connect: `${CONNECT_MS}ms` },
    endpoints: [live, way === "refused" ? dead : full.port].map((port) => ({ address: "127.0.0.1", port })),
  })),
);
const { compiled, diagnostics } = compileDocument({
  fleets: PROXIES.map((proxy) => ({ name: proxy, proxy, bindAddress: ADDRESSES[proxy] })),
  listeners: [
    { name: "web", fleets: PROXIES, port: http, protocol: "HTTP" },
    ...WAYS.map((way) => ({ name: clusterName(way, "tcp"), fleets: PROXIES, port: tcp[way], protocol: "TCP" })),
  ],
  clusters,
  routes: [
    {
      name: "web",
      listeners: ["web"],
      rules: clusters.map(({ name }) => ({ matches: [{ path: { prefix: `/${name}` } }], split: [{ cluster: name }] })),
    },
    ...WAYS.map((way) => ({
      name: clusterName(way, "tcp"),
      listeners: [clusterName(way, "tcp")],
      protocol: "tcp",
      rules: [{ split: [{ cluster: clusterName(way, "roundRobin") }] }],
    })),
  ],
});
if (compiled === null) throw new Error(JSON.stringify(diagnostics));

const agent = new Agent({ keepAlive: true, maxSockets: CONCURRENT });

function get(host: string, path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const sent = request({ host, port: http, path, agent }, (answer) => {
      answer.resume();
      answer.on("end", () => resolve(answer.statusCode === 200));
      answer.on("error", () => resolve(false));
    });
    sent.on("error", () => resolve(false));
    sent.end();
  });
}

function talk(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port }, () => socket.write("?"));
    let isAnswered = false;
    socket.on("data", () => {
      isAnswered = true;
      socket.destroy();
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(isAnswered));
  });
}

/** Runs one after the other, so many at once. */
async function measure(
  one: () => Promise<boolean>,
): Promise<{ failed: number; p50: number; p99: number; most: number }> {
  const times: number[] = [];
  let [begun, failed] = [0, 0];
  async function run(): Promise<void> {
    while (begun++ < REQUESTS) {
      const since = performance.now();
      if (!(await one())) failed++;
      times.push(performance.now() - since);
    }
  }
  await Promise.all(Array.from({ length: CONCURRENT }, run));
  times.sort((a, b) => a - b);
  const at = (share: number): number => Math.round(times[Math.ceil(times.length * share) - 1] ?? 0);
  return { failed, p50: at(0.5), p99: at(0.99), most: at(1) };
}

const columns = [
  "proxy".padEnd(8),
  "dead endpoint".padEnd(14),
  "what".padEnd(20),
  "failed",
  " p50 ms",
  " p99 ms",
  " max ms",
];
process.stdout.write(
  `${REQUESTS} each, ${CONCURRENT} at once, connect timeout ${CONNECT_MS} ms\n${columns.join(" ")}\n`,
);
let lost = 0;
for (const ir of compiled.fleets.values()) {
  const { proxy } = ir;
  const running: RunningProxy = await startProxy(proxy, renderFleet(ir), http);
  try {
    for (const way of WAYS) {
      const host = ADDRESSES[proxy];
      const kinds: [string, () => Promise<boolean>][] = [
        ...POLICIES.map((policy): [string, () => Promise<boolean>] => [
          `GET ${policy}`,
          () => get(host, `/${clusterName(way, policy)}`),
        ]),
        ["TCP roundRobin", () => talk(host, tcp[way])],
      ];
      for (const [what, one] of kinds) {
        const { failed, p50, p99, most } = await measure(one);
        lost += failed;
        const figures = [String(failed).padStart(6), ...[p50, p99, most].map((value) => String(value).padStart(7))];
        process.stdout.write(`${[proxy.padEnd(8), way.padEnd(14), what.padEnd(20), ...figures].join(" ")}\n`);
      }
    }
  } finally {
    await running.stop();
  }
}
agent.destroy();
full.stop();
endpoint.close();
process.exitCode = lost === 0 ? 0 : 1;
// The endpoint's connections end with the process.
setImmediate(() => process.exit());
