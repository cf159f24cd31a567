/**
 * `npm run bench:prober` begins with this: what probing thousands of endpoints costs one process. Per kind of probe: CPU of one, and
 * how long the event loop was held at most. The servers are a process of their own. Afterwards the e2e case measures real proxies.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { createProber } from "../src/agent/prober/index.ts";
import { probe } from "../src/agent/prober/probe.ts";
import type { ReadyPlan } from "../src/agent/prober/types.ts";
import type { HealthCheckIr } from "../src/ir/index.ts";

const { values } = parseArgs({
  options: {
    endpoints: { type: "string", default: "2000" },
    seconds: { type: "string", default: "10" },
    serve: { type: "boolean" },
  },
});
const ENDPOINTS = Number(values.endpoints);
const SECONDS = Number(values.seconds);
/** Every address of 127.0.0.0/8 leads to the servers: endpoints are told apart by it. */
const PER_BLOCK = 250;

if (values.serve === true) {
  const server = createServer((_, answer) => answer.end("ok"));
  server.listen(0, "0.0.0.0", 4096, () => process.send?.((server.address() as AddressInfo).port));
  process.on("disconnect", () => process.exit(0));
} else {
  const child = fork(import.meta.filename, ["--serve"], { execArgv: ["--no-warnings"] });
  const [port] = (await once(child, "message")) as [number];
  const times = { intervalMs: 1_000, timeoutMs: 2_000, rise: 2, fall: 3, initial: "down" } as const;
  const own = { ...times, port: null, tcp: null, http: null, grpc: null };
  const http = {
    protocol: "http1" as const,
    method: "GET",
    path: "/",
    host: "a.test",
    headers: [],
    bodyContains: null,
    bodyRegex: null,
    expectedStatus: [{ low: 200, high: 299 }],
  };
  await measure("tcp", { ...own, kind: "tcp", tcp: { send: null, expect: null } }, port);
  await measure("http", { ...own, kind: "http", http }, port);
  await measure("http, refused", { ...own, kind: "http", http, port: 1 }, port);
  child.disconnect();
}

function planOf(check: HealthCheckIr, port: number): ReadyPlan {
  const endpoints = Array.from({ length: ENDPOINTS }, (_, index) => ({
    address: `127.1.${Math.floor(index / PER_BLOCK)}.${1 + (index % PER_BLOCK)}`,
    port,
  }));
  return { clusters: [{ name: "all", check, tls: null, endpoints }] };
}

async function measure(name: string, check: HealthCheckIr, port: number): Promise<void> {
  let probes = 0;
  const prober = createProber({
    onMoved: () => undefined,
    onChange: () => undefined,
    probe: (...asked) => {
      probes += 1;
      return probe(...asked);
    },
  });
  const plan = planOf(check, port);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const watched = spent(() => prober.watch([plan]));
  const before = process.cpuUsage();
  await sleep(SECONDS * 1_000);
  const { user, system } = process.cpuUsage(before);
  delay.disable();
  let down = 0;
  const told = spent(() => {
    down = prober.down(plan).length;
  });
  prober.close();
  const cpu = (user + system) / 1_000;
  console.log(
    `${name}: ${probes} probes of ${ENDPOINTS} endpoints in ${SECONDS} s, ` +
      `${((cpu / probes) * 1_000).toFixed(0)} us of CPU each; ${down} down; ` +
      `CPU of watch() ${watched.toFixed(0)} ms, of down() ${told.toFixed(0)} ms; event loop held ${(delay.max / 1e6).toFixed(0)} ms at most`,
  );
}

/** Milliseconds of CPU. */
function spent(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}
