/** `npm run bench`: see README.md. */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { envoyBinary } from "../src/tooling/binaries.ts";
import { BACKENDS, benchModel, LISTENER_PORT, PROBE_HOST, type Shape, weightModel } from "./models.ts";

const root = join(import.meta.dirname, "..");
const perf = resolve(process.env.TRIMTAB_PERF ?? join(root, "../shared/perf"));
const changes = process.env.TRIMTAB_BENCH_CHANGES ?? "60";
const sizes = (process.env.TRIMTAB_BENCH_ROUTES ?? "1000,10000").split(",").map(Number);
const envoy = envoyBinary();
const bin = join(root, ".trimtab/bench-bin");
const API = "127.0.0.1:24050";
const XDS = "127.0.0.1:24051";
const ADMIN = "127.0.0.1:24052";
/** A row that takes longer than this hangs. */
const ROW_TIMEOUT_MS = 170_000;

const rows: { row: string; text: string }[] = [];

function report(row: string, text: string): void {
  rows.push({ row, text: text.trim() });
  process.stdout.write(`${row.padEnd(34)} ${text.trim()}\n`);
}

function buildAnchors(): boolean {
  if (!existsSync(perf) || spawnSync("go", ["version"]).status !== 0) return false;
  mkdirSync(bin, { recursive: true });
  execFileSync("go", ["build", "-o", `${bin}/`, "./cmd/..."], { cwd: perf, stdio: ["ignore", "ignore", "inherit"] });
  return true;
}

function anchor(mode: string, shape: string, routes: number): void {
  const { stdout, stderr } = spawnSync(
    join(bin, "prop"),
    [
      "-envoy",
      envoy,
      "-port",
      "24000",
      "-base-id",
      "310",
      "-changes",
      changes,
      "-mode",
      mode,
      "-shape",
      shape,
      "-n",
      String(routes),
    ],
    { encoding: "utf8", timeout: ROW_TIMEOUT_MS },
  );
  report(`anchor ${mode} ${shape} ${routes}`, stdout || stderr);
}

interface Running {
  readonly pids: string[];
  stop(): Promise<void>;
}

async function startTrimtab(model: object): Promise<Running> {
  const folder = mkdtempSync(join(tmpdir(), "trimtab-bench-"));
  const program = join(root, "dist/main.js");
  const server = spawn(
    process.execPath,
    [program, "serve", "--data", join(folder, "data"), "--http", API, "--xds", XDS],
    { stdio: ["ignore", "ignore", "inherit"] },
  );
  await answers(`http://${API}/readyz`);
  const loaded = await fetch(`http://${API}/v1/config`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(model),
  });
  if (loaded.status >= 300) throw new Error(`loading the model: ${loaded.status} ${await loaded.text()}`);
  const bootstrap = execFileSync(
    process.execPath,
    [program, "bootstrap", "--fleet", "envoy", "--xds", XDS, "--admin", ADMIN],
    { encoding: "utf8" },
  );
  writeFileSync(join(folder, "envoy.json"), bootstrap);
  const proxy = spawn(
    envoy,
    ["-c", join(folder, "envoy.json"), "--concurrency", "1", "--base-id", "311", "-l", "error"],
    { stdio: ["ignore", "ignore", "inherit"] },
  );
  await answers(`http://${ADMIN}/ready`);
  const ended = (child: typeof server): Promise<unknown> =>
    new Promise((done) => (child.exitCode === null ? child.once("exit", done) : done(null)));
  return {
    pids: [`trimtab=${server.pid}`, `envoy=${proxy.pid}`],
    async stop() {
      proxy.kill();
      await ended(proxy);
      server.kill();
      await ended(server);
      rmSync(folder, { recursive: true });
    },
  };
}

async function answers(url: string): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    const status = await fetch(url).then(
      (response) => response.status,
      () => 0,
    );
    if (status === 200) return;
    await sleep(50);
  }
  throw new Error(`${url} does not answer`);
}

interface Change {
  readonly path: string;
  readonly url: string;
  readonly body: string;
}

async function served(row: string, model: object, change: Change): Promise<void> {
  const running = await startTrimtab(model);
  try {
    const options = [
      "-label",
      row.replaceAll(" ", "-"),
      "-target",
      `127.0.0.1:${LISTENER_PORT}`,
      "-host",
      PROBE_HOST,
      "-path",
      change.path,
      "-want",
      "B",
    ];
    const backends = ["-backend", `${BACKENDS.b}=B`, "-backend", `${BACKENDS.a}=A`];
    const trigger = [
      "-trigger-method",
      "PUT",
      "-trigger-url",
      `http://${API}${change.url}`,
      "-trigger-header",
      "Content-Type: application/json",
      "-trigger-body",
      change.body,
    ];
    const probe = spawn(
      join(bin, "probe"),
      [
        ...options,
        ...backends,
        ...trigger,
        "-changes",
        changes,
        "-warm",
        "5",
        ...running.pids.flatMap((pid) => ["-pid", pid]),
      ],
      { timeout: ROW_TIMEOUT_MS },
    );
    let text = "";
    for await (const chunk of probe.stdout) text += chunk;
    report(row, text);
  } finally {
    await running.stop();
  }
}

/** What a whole configuration costs those who ask at the same time: every route is changed while an Envoy listens. */
async function eventLoop(routes: number, shape: Shape): Promise<void> {
  const model = benchModel(routes, shape);
  const running = await startTrimtab(model);
  try {
    for (const route of (model.routes ?? []) as { rules: object[] }[])
      for (const rule of route.rules) Object.assign(rule, { timeouts: { idle: "7s" } });
    // Reading the figures sets them back.
    await loopDelay();
    const start = performance.now();
    const { status } = await fetch(`http://${API}/v1/config`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(model),
    });
    const ms = performance.now() - start;
    await sleep(1000);
    report(`event loop ${shape} ${routes}`, `PUT ${status} in ${Math.round(ms)} ms; delay ms ${await loopDelay()}`);
    for (const fleet of ["nginx", "haproxy"]) await filesLoop(fleet, `${shape} ${routes}`);
  } finally {
    await running.stop();
  }
}

/** The first rendering of a fleet's files. */
async function filesLoop(fleet: string, row: string): Promise<void> {
  await loopDelay();
  const start = performance.now();
  const response = await fetch(`http://${API}/v1/fleets/${fleet}/files`);
  await response.arrayBuffer();
  const ms = Math.round(performance.now() - start);
  await sleep(100);
  report(`files ${fleet} ${row}`, `GET ${response.status} in ${ms} ms; delay ms ${await loopDelay()}`);
}

/** Maximum and 99th percentile, the 10 ms of the measuring timer included. */
async function loopDelay(): Promise<string> {
  const text = await (await fetch(`http://${API}/metrics`)).text();
  return ["max", "p99"]
    .map((name) => [name, new RegExp(`^nodejs_eventloop_lag_${name}_seconds (\\S+)$`, "m").exec(text)?.[1]])
    .map(([name, seconds]) => `${name}=${Math.round(Number(seconds) * 1000)}`)
    .join(" ");
}

function inProcess(routes: number, shape: string): void {
  const text = execFileSync(process.execPath, [join(import.meta.dirname, "compile.ts"), String(routes), shape], {
    encoding: "utf8",
  });
  const values = Object.entries(JSON.parse(text) as Record<string, number | string>).map(
    ([key, value]) => `${key}=${typeof value === "number" ? Math.round(value * 10) / 10 : value}`,
  );
  report(`compile ${shape} ${routes}`, values.join(" "));
}

process.stdout.write(
  `${cpus().length} x ${cpus()[0]?.model}, node ${process.version}, load ${loadavg()
    .map((value) => value.toFixed(2))
    .join(" ")}\n`,
);
for (const size of sizes) for (const shape of ["host", "hosts"] as const) inProcess(size, shape);
for (const size of sizes) for (const shape of ["host", "hosts"] as const) await eventLoop(size, shape);
if (buildAnchors()) {
  const route = (path: string): string =>
    JSON.stringify({
      name: "new",
      listeners: ["web"],
      hostnames: [PROBE_HOST],
      rules: [{ matches: [{ path: { exact: path } }], split: [{ cluster: "b" }] }],
    });
  for (const size of sizes) {
    anchor("file-pb", "onevhost", size);
    await served(`trimtab route host ${size}`, benchModel(size, "host"), {
      path: "/new/{n}",
      url: "/v1/routes/new",
      body: route("/new/{n}"),
    });
    anchor("gcp-delta", "onevhost", size);
    anchor("file-pb", "vhosts", size);
    await served(`trimtab route hosts ${size}`, benchModel(size, "hosts"), {
      path: "/new/{n}",
      url: "/v1/routes/new",
      body: route("/new/{n}"),
    });
  }
  anchor("raw-delta", "eds", 1000);
  anchor("gcp-delta", "eds", 1000);
  const moved = JSON.stringify({
    name: "w{n}",
    endpoints: [
      { address: "127.0.0.1", port: BACKENDS.a, weight: 0 },
      { address: "127.0.0.1", port: BACKENDS.b, weight: 1 },
    ],
  });
  await served("trimtab endpoint weight 1000", weightModel(1000), {
    path: "/w/{n}",
    url: "/v1/clusters/w{n}",
    body: moved,
  });
} else process.stdout.write(`anchors and served rows are left out: they need Go and ${perf}\n`);
mkdirSync(join(root, ".trimtab"), { recursive: true });
writeFileSync(join(root, ".trimtab/bench.json"), `${JSON.stringify(rows, null, 2)}\n`);
