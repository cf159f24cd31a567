/**
 * `npm run bench:h2floods`: each flood of HTTP/2 for a while from four clients at once, beside a good one that asks on a new
 * connection fifty times a second. Printed, as rows of docs/http2.md: what was sent, how many connections the proxy ended, CPU and
 * memory of its processes, and how long the good client waited. `--seconds N` (default 10) of each. Status 1 when one of the good
 * client's requests fails.
 */
import { connect } from "node:http2";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { floodsOf } from "../e2e/harness/http2Floods.ts";
import type { ProxyKind } from "../src/ir/index.ts";
import { renderFleet } from "../src/suite/modelFiles.ts";
import { ADDRESSES, startProxy } from "../src/suite/sameBehaviour/proxies.ts";
import type { Sent, Task } from "./http2/attacker.ts";
import { usageOf } from "./http2/processes.ts";
import { serveHttp2 } from "./http2/serve.ts";

const { values } = parseArgs({ options: { seconds: { type: "string", default: "10" } } });
const MILLISECONDS = Number(values.seconds) * 1_000;
const ATTACKERS = 4;
/** Frames of a flood on one connection. */
const SIZE = 2_000;
const HOST = "floods.example";
const EVERY_MS = 20;
const PATIENCE_MS = 5_000;
const SAMPLE_MS = 50;

const { endpoint, port, compiled } = await serveHttp2(HOST);

/** One request on a connection of its own: milliseconds, or null when it failed. */
async function ask(address: string): Promise<number | null> {
  const since = performance.now();
  const session = connect(`http://${address}:${port}`);
  try {
    const status = await new Promise<number>((resolve, reject) => {
      session.once("error", reject);
      session.once("close", () => reject(new Error("closed")));
      const stream = session.request({ ":path": "/x", ":authority": HOST });
      stream.once("error", reject);
      stream.once("response", (head) => resolve(Number(head[":status"])));
      stream.resume();
      setTimeout(() => reject(new Error("late")), PATIENCE_MS).unref();
    });
    return status === 200 ? performance.now() - since : null;
  } catch {
    return null;
  } finally {
    session.destroy();
  }
}

/** What a good client sees for so long. */
async function goodClient(address: string, milliseconds: number): Promise<(number | null)[]> {
  const until = performance.now() + milliseconds;
  const asked: Promise<number | null>[] = [];
  while (performance.now() < until) {
    asked.push(ask(address));
    await sleep(EVERY_MS);
  }
  return Promise.all(asked);
}

function attack(task: Task): Promise<Sent> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./http2/attacker.ts", import.meta.url), { workerData: task });
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}

interface Row {
  readonly proxy: ProxyKind;
  readonly flood: string;
  readonly pid: number;
  readonly attacks: readonly Promise<Sent>[];
}

/** A row of the table; says how many requests of the good client failed. */
async function measure({ proxy, flood, pid, attacks }: Row): Promise<number> {
  const [before, since] = [usageOf(pid), performance.now()];
  let most = before.mebibytes;
  const sampling = setInterval(() => {
    most = Math.max(most, usageOf(pid).mebibytes);
  }, SAMPLE_MS);
  const times = await goodClient(ADDRESSES[proxy], MILLISECONDS);
  const sent = await Promise.all(attacks);
  clearInterval(sampling);
  const seconds = (performance.now() - since) / 1_000;
  const cpu = (usageOf(pid).cpuSeconds - before.cpuSeconds) / seconds;
  const good = times.filter((time) => time !== null).sort((a, b) => a - b);
  const at = (share: number): string => (good[Math.ceil(good.length * share) - 1] ?? Number.NaN).toFixed(1);
  const sum = (field: keyof Sent): number => sent.reduce((total, each) => total + each[field], 0);
  const failed = times.length - good.length;
  const cells = [
    flood,
    proxy,
    `${Math.round(sum("frames") / seconds / 1_000)}`,
    `${sum("connections")} (${sum("ended")})`,
    `${Math.round(cpu * 100)} %`,
    `${before.mebibytes.toFixed(0)} to ${most.toFixed(0)}`,
    at(0.5),
    at(0.99),
    `${failed} of ${times.length}`,
  ];
  process.stdout.write(`| ${cells.join(" | ")} |\n`);
  return failed;
}

const columns = ["flood", "proxy", "1 000 frames/s", "connections (ended)", "CPU", "MiB", "p50 ms", "p99 ms", "failed"];
process.stdout.write(`| ${columns.join(" | ")} |\n|${columns.map(() => " --- |").join("")}\n`);
let lost = 0;
for (const flood of [{ name: "none" }, ...floodsOf(HOST, SIZE)]) {
  for (const ir of compiled.fleets.values()) {
    const { proxy } = ir;
    const running = await startProxy(proxy, renderFleet(ir), port);
    try {
      await goodClient(ADDRESSES[proxy], 500);
      const place = { address: ADDRESSES[proxy], port, host: HOST };
      const task: Task = { ...place, name: flood.name, size: SIZE, milliseconds: MILLISECONDS };
      const attacks = flood.name === "none" ? [] : Array.from({ length: ATTACKERS }, () => attack(task));
      lost += await measure({ proxy, flood: flood.name, pid: running.pid, attacks });
    } finally {
      await running.stop();
    }
  }
}
await endpoint.stop();
process.exitCode = lost > 0 ? 1 : 0;
