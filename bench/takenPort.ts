/**
 * What taken ports cost the other listeners of a fleet: `trimtab dev` with the three real proxies, some changes while nothing waits, as
 * many while four listeners of each proxy wait (one of them to move), then how long those take when their ports are free.
 *
 *     npm run bench:ports -- [CHANGES]
 */
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const CHANGES = Number(process.argv[2] ?? 10);
const PATIENCE_MS = 60_000;
const POLL_MS = 5;
/** Longer than the agents' pause between reloads: what is measured is a change, not a queue of them. */
const BETWEEN_MS = 2_500;
const ADDRESSES: Readonly<Record<string, string>> = {
  envoy: "127.0.0.41",
  nginx: "127.0.0.42",
  haproxy: "127.0.0.43",
};
const PROXIES = Object.keys(ADDRESSES);
/** Listener -> port; `moved` is where `mover` goes. */
const PORTS = { steady: 21_080, mover: 21_081, moved: 21_082, a: 21_083, b: 21_084, c: 21_085 };
const API = "127.0.0.1:21400";

function model(body: string, isMore: boolean): object {
  const more: readonly [string, number][] = isMore
    ? [
        ["a", PORTS.a],
        ["b", PORTS.b],
        ["c", PORTS.c],
      ]
    : [];
  const listeners: readonly [string, number][] = [
    ["steady", PORTS.steady],
    ["mover", isMore ? PORTS.moved : PORTS.mover],
    ...more,
  ];
  return {
    fleets: PROXIES.map((name) => ({ name, proxy: name, bindAddress: ADDRESSES[name] })),
    listeners: listeners.map(([name, port]) => ({ name, port, fleets: PROXIES, protocol: "HTTP" })),
    routes: [
      {
        name: "says",
        listeners: listeners.map(([name]) => name),
        hostnames: ["x.example"],
        rules: [{ respond: { status: 200, body } }],
      },
    ],
  };
}

function ask(proxy: string, port: number): Promise<string> {
  return new Promise((done) => {
    const sent = request({ host: ADDRESSES[proxy], port, agent: false, headers: { host: "x.example" } }, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (part: string) => {
        text += part;
      });
      answer.on("close", () => done(text));
    });
    sent.on("error", () => done(""));
    sent.end();
  });
}

/** Milliseconds since `begun` when the proxy says so. */
async function until(proxy: string, expected: { port: number; body: string; begun: number }): Promise<number> {
  const { port, body, begun } = expected;
  while ((await ask(proxy, port)) !== body) {
    if (performance.now() - begun > PATIENCE_MS) throw new Error(`${proxy} does not say ${body} on ${port}`);
    await sleep(POLL_MS);
  }
  return performance.now() - begun;
}

async function put(body: object): Promise<void> {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`http://${API}/v1/config`, { method: "PUT", headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(await answer.text());
}

/** By proxy: milliseconds from the write to the answer, of each change. */
async function changes(name: string, isMore: boolean): Promise<ReadonlyMap<string, number[]>> {
  const found = new Map(PROXIES.map((proxy) => [proxy, [] as number[]]));
  for (let index = 0; index < CHANGES; index++) {
    await sleep(BETWEEN_MS);
    const [body, begun] = [`${name} ${index}`, performance.now()];
    await put(model(body, isMore));
    const took = await Promise.all(PROXIES.map((proxy) => until(proxy, { port: PORTS.steady, body, begun })));
    for (const [place, proxy] of PROXIES.entries()) found.get(proxy)?.push(took[place] ?? 0);
  }
  return found;
}

function take(port: number): Server[] {
  return Object.values(ADDRESSES).map((host) => createServer().listen({ host, port, exclusive: true }));
}

function shown(times: readonly number[] = []): string {
  const sorted = times.toSorted((a, b) => a - b);
  return `${Math.round(sorted[sorted.length >> 1] ?? 0)} ms, at most ${Math.round(sorted.at(-1) ?? 0)} ms`;
}

const folder = await mkdtemp(join(tmpdir(), "trimtab-bench-"));
const file = join(folder, "config.json");
await writeFile(file, JSON.stringify(model("first", false)));
const main = resolve(import.meta.dirname, "../dist/main.js");
const args = [main, "dev", file, "--http", API, "--xds", "127.0.0.1:21401", "--data", join(folder, "data")];
const program = spawn(process.execPath, args, { stdio: "ignore" });
const ended = new Promise((done) => program.once("exit", done));
try {
  const begun = performance.now();
  await Promise.all(PROXIES.map((proxy) => until(proxy, { port: PORTS.steady, body: "first", begun })));
  const usual = await changes("usual", false);
  const squatters = [PORTS.moved, PORTS.a, PORTS.b, PORTS.c].flatMap(take);
  const waiting = await changes("waiting", true);
  const last = `waiting ${CHANGES - 1}`;
  const freed = performance.now();
  for (const squatter of squatters) squatter.close();
  const ports = [PORTS.moved, PORTS.a, PORTS.b, PORTS.c];
  for (const proxy of PROXIES) {
    const came = await Promise.all(ports.map((port) => until(proxy, { port, body: last, begun: freed })));
    console.info(
      `${proxy}: a change ${shown(usual.get(proxy))}; while four listeners wait ${shown(waiting.get(proxy))}`,
    );
    console.info(`${proxy}: they came ${Math.round(Math.max(...came))} ms after their ports were free, or sooner`);
  }
} finally {
  program.kill("SIGTERM");
  await ended;
  await rm(folder, { recursive: true, force: true });
}
