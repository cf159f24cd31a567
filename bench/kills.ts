/** `npm run kills`: kill -9 of the built server amid writes, applies and restores, with a full disk now and then. See README.md. */
import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const KILLS = Number(process.env.TRIMTAB_KILLS ?? 200);
const PORT = Number(process.env.TRIMTAB_KILLS_PORT ?? 24070);
const WRITERS = 6;
const NAMES = 5;
/** The kill comes at a random moment after the first acknowledgement. */
const LONGEST_LIFE_MS = 400;
/** A restore goes back so far. */
const BACK = 12;
/** In each fourth round the disk is full for a while; in each eighth the server is killed, and started again, while it is. */
const FULL = 4;
const isFullRound = (round: number): boolean => round % FULL === FULL - 1;
/** Room for all rounds, and little enough to be filled quickly. */
const DISK_BYTES = 192 * 1024 * 1024;
const START_MS = 60_000;
/** Of the acknowledged ones of a round: reading a model costs. */
const SAMPLES = 12;
const APPLIED = Array.from({ length: 60 }, (_, index) => `applied-${index}`);

const api = `http://127.0.0.1:${PORT}`;
const main = join(import.meta.dirname, "../dist/main.js");
const root = mkdtempSync(join(tmpdir(), "trimtab-kills-"));
const data = join(root, "data");
const ballast = join(root, "ballast");
const totals: Record<string, number> = {};

interface Acknowledged {
  readonly revision: number;
  readonly what: "write" | "apply" | "restore";
  readonly name: string;
  /** The port, or the revision that was restored. */
  readonly value: number;
}

function count(what: string): void {
  totals[what] = (totals[what] ?? 0) + 1;
}

const cluster = (name: string, port: number): object => ({ name, endpoints: [{ address: "10.0.0.1", port }] });

// biome-ignore lint/suspicious/noExplicitAny: answers of many shapes
async function call(method: string, path: string, body?: unknown): Promise<{ status: number; json: any }> {
  const answer = await fetch(`${api}${path}`, {
    method,
    headers: body === undefined ? {} : { "content-type": "application/json" },
    body: body === undefined ? null : JSON.stringify(body),
  });
  const text = await answer.text();
  return { status: answer.status, json: text === "" ? null : JSON.parse(text) };
}

async function start(): Promise<ChildProcess> {
  const args = [main, "serve", "--data", data, "--http", `127.0.0.1:${PORT}`, "--xds", `127.0.0.1:${PORT + 1}`];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
  let told = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    told = (told + text).slice(-2000);
  });
  const deadline = Date.now() + START_MS;
  while (child.exitCode === null && Date.now() < deadline) {
    const ready = await fetch(`${api}/readyz`).then(
      ({ status }) => status === 200,
      () => false,
    );
    if (ready) return child;
    await sleep(20);
  }
  throw new Error(`the server did not start: ${told}`);
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("close", resolve));
  child.kill(signal);
  await ended;
}

const kill = (child: ChildProcess): Promise<void> => end(child, "SIGKILL");

/** Asks again and again until the server is gone. What is refused must be for the disk. */
async function client(done: Acknowledged[], once: (count: number) => Promise<Acknowledged | number>): Promise<void> {
  for (let round = 0; ; round++) {
    let told: Acknowledged | number;
    try {
      told = await once(round);
    } catch {
      return;
    }
    if (typeof told === "object") {
      done.push(told);
      count(told.what);
      continue;
    }
    count(`status ${told}`);
    if (![200, 503, 507].includes(told)) throw new Error(`a write was answered ${told}`);
    await sleep(5);
  }
}

let port = 0;
const nextPort = (): number => 1 + (port++ % 65_000);

const writer =
  (index: number) =>
  async (round: number): Promise<Acknowledged | number> => {
    const name = `w${index}-${round % NAMES}`;
    const value = nextPort();
    const { status, json } = await call("PUT", `/v1/clusters/${name}`, cluster(name, value));
    return status < 300 ? { revision: json.revision, what: "write", name, value } : status;
  };

const applier = async (): Promise<Acknowledged | number> => {
  const value = nextPort();
  const body = { clusters: APPLIED.map((name) => cluster(name, value)) };
  const { status, json } = await call("POST", "/v1/config/apply", body);
  return status < 300 ? { revision: json.revision, what: "apply", name: "", value } : status;
};

const restorer = async (): Promise<Acknowledged | number> => {
  await sleep(20);
  const { json: page } = await call("GET", "/v1/revisions?limit=1");
  const value = (page.items ?? page.revisions)[0].revision - BACK;
  if (value < 1) return 200;
  const { status, json } = await call("POST", `/v1/revisions/${value}/restore`);
  return status < 300 ? { revision: json.revision, what: "restore", name: "", value } : status;
};

/** One life of a server: its acknowledgements. */
async function live(child: ChildProcess, round: number): Promise<Acknowledged[]> {
  const done: Acknowledged[] = [];
  const clients = [...Array.from({ length: WRITERS }, (_, index) => writer(index)), applier, restorer];
  const running = Promise.all(clients.map((once) => client(done, once)));
  running.catch(() => {});
  while (done.length === 0 && child.exitCode === null) await sleep(2);
  const isFull = isFullRound(round);
  if (isFull) fill();
  await sleep(Math.random() * LONGEST_LIFE_MS);
  if (isFull && round % (2 * FULL) === FULL - 1) {
    empty();
    await sleep(Math.random() * LONGEST_LIFE_MS);
  }
  if (child.exitCode !== null) throw new Error("the server ended by itself");
  await kill(child);
  await running;
  return done;
}

async function modelAt(revision: number): Promise<Map<string, number>> {
  const { json } = await call("GET", `/v1/revisions/${revision}`);
  // biome-ignore lint/suspicious/noExplicitAny: documents of the API
  return new Map((json.config.clusters ?? []).map((one: any) => [one.name, one.endpoints[0].port]));
}

/** Every acknowledged revision is there and says what it should; models are whole. */
async function prove(done: readonly Acknowledged[]): Promise<void> {
  const step = Math.max(1, Math.ceil(done.length / SAMPLES));
  for (const [index, { revision, what, name, value }] of done.entries()) {
    const { status, json } = await call("GET", `/v1/revisions/${revision}`);
    if (status !== 200) throw new Error(`LOST: revision ${revision} (${what} ${name}) is answered ${status}`);
    const names = json.changes.map(({ resource }: { resource: string }) => resource);
    if (what === "write" && !names.includes(`clusters/${name}`))
      throw new Error(`TORN: revision ${revision}: ${names}`);
    if (index % step > 0) continue;
    const model = await modelAt(revision);
    if (what === "write" && model.get(name) !== value) throw new Error(`TORN: ${name} at ${revision}`);
    proveWhole(model, what === "apply" ? value : undefined);
    // A restore that changed nothing is answered with the revision before it, whose model is the same.
    if (what === "restore" && !isSame(model, await modelAt(value))) throw new Error(`TORN: restore ${revision}`);
  }
}

function proveWhole(model: ReadonlyMap<string, number>, value?: number): void {
  const ports = new Set(APPLIED.map((name) => model.get(name)));
  if (ports.size > 1 || (value !== undefined && !ports.has(value))) throw new Error(`TORN apply: ${[...ports]}`);
}

function isSame(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): boolean {
  return a.size === b.size && [...a].every(([name, port]) => b.get(name) === port);
}

function fill(): void {
  if (!isMounted) return;
  const handle = openSync(ballast, "w");
  for (const size of [1024 * 1024, 4096, 1]) {
    try {
      for (const bytes = Buffer.alloc(size); ; ) writeSync(handle, bytes);
    } catch {
      // It is full.
    }
  }
  closeSync(handle);
  count("full disk");
}

const empty = (): void => rmSync(ballast, { force: true });

function mounts(): boolean {
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${DISK_BYTES}`, "tmpfs", root], { stdio: "ignore" });
    return true;
  } catch {
    process.stdout.write("no disk of its own can be had (that needs root): no round has a full one\n");
    return false;
  }
}

/** A copy beside writers, which the program checks itself. */
function backup(round: number): Promise<void> {
  const target = join(root, `backup-${round}.db`);
  return new Promise((resolve, reject) =>
    execFile(process.execPath, [main, "store", "backup", "--data", data, target], (error, _out, told) => {
      rmSync(target, { force: true });
      count("backup");
      if (error === null) resolve();
      else reject(new Error(`the backup failed: ${told}`));
    }),
  );
}

const isMounted = mounts();
let server: ChildProcess | null = null;
try {
  mkdirSync(data, { recursive: true });
  const began = Date.now();
  server = await start();
  for (let round = 0; round < KILLS; round++) {
    if (isFullRound(round)) {
      // A log that has been long has room for writes without the disk; one that was ended cleanly has none.
      await end(server, "SIGTERM");
      server = await start();
    }
    const done = await live(server, round);
    server = await start();
    empty();
    await prove(done);
    proveWhole(await modelAt(done.reduce((most, { revision }) => Math.max(most, revision), 1)));
    if (round % 20 === 10) await backup(round);
    if (round % 20 === 19) process.stdout.write(`${round + 1} kills: ${JSON.stringify(totals)}\n`);
  }
  await kill(server);
  server = null;
  process.stdout.write(execFileSync(process.execPath, [main, "store", "check", "--data", data], { encoding: "utf8" }));
  const seconds = Math.round((Date.now() - began) / 1000);
  process.stdout.write(`${KILLS} kills in ${seconds} s, 0 lost, 0 torn: ${JSON.stringify(totals)}\n`);
} finally {
  if (server !== null) await kill(server);
  if (isMounted) execFileSync("umount", [root]);
  rmSync(root, { recursive: true, force: true });
}
