/** One attack on a fresh server, while a client that behaves writes and reads. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import type { Told } from "./goodClientChild.ts";
import { type Started, startServer, TOKEN } from "./server.ts";
import type { Attack } from "./types.ts";

/** What was seen. Milliseconds and bytes. */
export interface Seen {
  readonly name: string;
  readonly answers: number;
  readonly p50: number;
  readonly p99: number;
  /** The same in CPU of the server's thread. */
  readonly cpu99: number;
  /** The longest time in which the server's event loop ran nothing else: on the wall, and in CPU of its thread. */
  readonly holdMs: number;
  readonly turnMs: number;
  readonly rss: number;
  readonly seconds: number;
  /** What broke. */
  readonly broken: readonly string[];
}

/** With the default limits, whatever is sent. */
const MAX_RSS = 2 * 1024 * 1024 * 1024;
/** Of the client that behaves. */
const MAX_P99_MS = 250;
const SAMPLE_MS = 100;
/** Before and after the attack, so that what it leaves behind counts. */
const AROUND_MS = { short: 300, whole: 1500 };

/** Times are judged only when all of it runs: a test's machine does other work. */
export async function runAttack(attack: Attack, size: "short" | "whole"): Promise<Seen> {
  const server = await startServer();
  try {
    const began = performance.now();
    const client = startClient(server);
    await sleep(AROUND_MS[size]);
    await holdSince(server);
    const watch = startWatch(server);
    const wrong = await attack.run(server, size).catch((error: unknown) => [`the attack failed: ${String(error)}`]);
    await sleep(AROUND_MS[size]);
    const { holdMs, turnMs, rss } = await watch.end();
    const told = await client.end();
    const { waits, used } = told;
    const seen = { p50: quantile(waits, 0.5), p99: quantile(waits, 0.99), cpu99: quantile(used, 0.99) };
    const broken = [...wrong, ...(await kept(server, told)), ...(rss > MAX_RSS ? ["more than 2 GiB of memory"] : [])];
    if (size === "whole" && seen.p99 > MAX_P99_MS) broken.push(`another client's p99 is ${seen.p99.toFixed(0)} ms`);
    const seconds = (performance.now() - began) / 1000;
    return { name: attack.name, answers: waits.length, ...seen, holdMs, turnMs, rss, seconds, broken };
  } finally {
    await server.stop();
  }
}

function startClient(server: Started): { end(): Promise<Told> } {
  const child = spawn(
    process.execPath,
    ["--no-warnings", join(import.meta.dirname, "goodClientChild.ts"), server.url, TOKEN, String(server.pid)],
    {
      stdio: ["pipe", "pipe", "inherit"],
    },
  );
  const said = text(child.stdout);
  return {
    async end() {
      child.stdin.end();
      return JSON.parse(await said) as Told;
    },
  };
}

/** Longest hold of the loop since the last call, which the server measures itself. */
async function holdSince(server: Started): Promise<{ holdMs: number; turnMs: number }> {
  const { text: metrics } = await server.call("GET", "/metrics");
  const ms = (name: string): number => {
    const line = metrics.split("\n").find((text) => text.startsWith(`${name} `));
    return Number(line?.split(" ")[1] ?? Number.NaN) * 1000;
  };
  return { holdMs: ms("nodejs_eventloop_lag_max_seconds"), turnMs: ms("trimtab_longest_turn_cpu_seconds") };
}

function startWatch(server: Started): { end(): Promise<Pick<Seen, "holdMs" | "turnMs" | "rss">> } {
  let rss = 0;
  const timer = setInterval(() => {
    rss = Math.max(rss, server.memory());
  }, SAMPLE_MS);
  return {
    async end() {
      clearInterval(timer);
      const held = server.ended() === null ? await holdSince(server) : { holdMs: Number.NaN, turnMs: Number.NaN };
      return { ...held, rss };
    },
  };
}

/** The server lives, everything that was acknowledged is there, and the client that behaves had what it asked for. */
async function kept(server: Started, { acknowledged, failures, waits }: Told): Promise<string[]> {
  const ended = server.ended();
  if (ended !== null) return [`the server ended: ${ended}`];
  const lost: string[] = [];
  for (const [name, weight] of Object.entries(acknowledged)) {
    const { text: body } = await server.call("GET", `/v1/clusters/${name}`);
    const { endpoints } = JSON.parse(body) as { endpoints?: { weight?: number }[] };
    if (endpoints?.[0]?.weight !== weight) lost.push(name);
  }
  return [
    ...(lost.length > 0 ? [`acknowledged writes are lost: ${lost.join(", ")}`] : []),
    ...(failures.length > 0 ? [`another client was refused: ${[...new Set(failures)].slice(0, 3).join(", ")}`] : []),
    ...(waits.length === 0 ? ["another client had no answer at all"] : []),
  ];
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
