/** `npm run bench:xds`: our xDS server beside go-control-plane under many streams; see README.md. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";

const root = join(import.meta.dirname, "..");
const perf = resolve(process.env.TRIMTAB_PERF ?? join(root, "../shared/perf"));
const bin = join(root, ".trimtab/bench-bin");
const XDS = "127.0.0.1:24100";
const CONTROL_PORT = 24_101;
/** A row that takes longer than this hangs: go-control-plane with 2 000 streams needs about a minute. */
const ROW_TIMEOUT_MS = 400_000;
/** Of streams that share a connection: Envoys have one each, but a machine has only so many ports. */
const CONNECTIONS = 100;

const { values } = parseArgs({
  options: {
    streams: { type: "string", default: "1,500,2000" },
    variant: { type: "string", default: "delta,sotw" },
    mode: { type: "string", default: "eds,cds,reconnect,nack" },
    changes: { type: "string", default: "20" },
    rounds: { type: "string", default: "1" },
    floor: { type: "boolean", default: false },
  },
});
const list = (text: string): string[] => text.split(",");

/** What is measured of a row; null: not in this mode. */
interface Figures {
  readonly connectCpu: number | null;
  readonly reconnectCpu: number | null;
  readonly reconnectResources: number | null;
  readonly changeMs: number | null;
  readonly changeCpu: number | null;
  readonly peakMiB: number | null;
  readonly responses: number | null;
  /** CPU of the longest turn of the event loop; null: not on node. */
  readonly holdMs: number | null;
}

/** `floor`: the least that node:http2 needs for the same bytes (xdsFloor.ts). */
type Side = "trimtab" | "floor" | "snapshot" | "linear";
const SIDES: readonly Side[] = ["trimtab", "snapshot", "linear"];

const isOnNode = (side: Side): boolean => side === "trimtab" || side === "floor";

function startServer(side: Side): ChildProcess {
  const file = side === "floor" ? "xdsFloor.ts" : "xdsServer.ts";
  const ours = ["--no-warnings", join(import.meta.dirname, file), XDS, String(CONTROL_PORT)];
  const theirs = ["-cache", side, "-addr", XDS, "-http", `127.0.0.1:${CONTROL_PORT}`];
  const [program, options] = isOnNode(side) ? [process.execPath, ours] : [join(bin, "gcpserver"), theirs];
  return spawn(program, options, { stdio: ["ignore", "ignore", "inherit"] });
}

async function answers(): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    const status = await fetch(`http://127.0.0.1:${CONTROL_PORT}/healthz`).then(
      ({ status: code }) => code,
      () => 0,
    );
    if (status === 200) return;
    await sleep(50);
  }
  throw new Error("the server does not answer");
}

interface Row {
  readonly mode: string;
  readonly variant: string;
  readonly streams: string;
}

async function measure(side: Side, { mode, variant, streams }: Row): Promise<Figures> {
  const server = startServer(side);
  try {
    await answers();
    const change = mode === "cds" ? "cds" : "eds";
    const kind = mode === "reconnect" || mode === "nack" ? mode : "change";
    const options = [
      "-addr",
      XDS,
      "-mode",
      kind,
      "-variant",
      variant,
      "-streams",
      streams,
      "-conns",
      String(CONNECTIONS),
    ];
    const trigger = [
      "-trigger-url",
      `http://127.0.0.1:${CONTROL_PORT}/${change}?n={n}&ip={ip}`,
      "-marker-type",
      change,
    ];
    const more = ["-changes", values.changes, "-gap", "100ms", "-server-pid", String(server.pid), "-nack-type", "cds"];
    const load = spawn(join(bin, "xdsload"), [...options, ...trigger, ...more], {
      timeout: ROW_TIMEOUT_MS,
      stdio: ["ignore", "pipe", "inherit"],
    });
    let text = "";
    for await (const chunk of load.stdout) text += chunk;
    const hold = isOnNode(side) ? await (await fetch(`http://127.0.0.1:${CONTROL_PORT}/loop`)).text() : null;
    return readFigures(text, hold === null ? null : Number(hold));
  } finally {
    const ended = new Promise((done) => server.once("exit", done));
    server.kill();
    await ended;
  }
}

function readFigures(text: string, holdMs: number | null): Figures {
  const number = (pattern: RegExp): number | null => {
    const found = pattern.exec(text)?.[1];
    return found === undefined ? null : Number(found);
  };
  const peaks = [...text.matchAll(/peak (\d+) MiB/g)].map(([, size]) => Number(size));
  const figures = {
    connectCpu: number(/^(?:first )?connect: .* server CPU ([\d.]+) s/m),
    reconnectCpu: number(/^reconnect .* server CPU ([\d.]+) s/m),
    reconnectResources: number(/^reconnect .* (\d+) resources/m),
    changeMs: number(/^last stream: .*?p50 ([\d.]+)/m) ?? number(/^\| \S+ \| \d+ \| ([\d.]+) \//m),
    changeCpu: number(/^per change: server CPU ([\d.]+) ms/m),
    peakMiB: peaks.length === 0 ? null : Math.max(...peaks),
    responses: number(/= ([\d.]+) per client/),
    holdMs,
  };
  if (figures.connectCpu === null && figures.responses === null) throw new Error(`xdsload said: ${text}`);
  return figures;
}

const FIGURES = [
  "connectCpu",
  "reconnectCpu",
  "reconnectResources",
  "changeMs",
  "changeCpu",
  "peakMiB",
  "responses",
] as const;

/** Each figure of ours, and its ratio to the better of the peer's two caches. */
function line(row: Row, found: ReadonlyMap<Side, Figures>): string {
  const ours = found.get("trimtab") as Figures;
  const parts = FIGURES.flatMap((name) => {
    const own = ours[name];
    if (own === null) return [];
    const peers = [found.get("snapshot")?.[name], found.get("linear")?.[name]].filter(
      (value) => typeof value === "number",
    );
    const best = Math.min(...peers);
    const ratio = best > 0 ? ` (${(own / best).toFixed(2)})` : "";
    return [`${name} ${own} : ${best}${ratio}`];
  });
  const floor = found.get("floor");
  if (floor?.changeCpu) {
    const times = ((ours.changeCpu ?? 0) / floor.changeCpu).toFixed(1);
    parts.push(`node:http2 alone ${floor.changeCpu} and hold ${floor.holdMs} ms, ours is ${times} times that`);
  }
  return `${row.mode.padEnd(9)} ${row.variant.padEnd(5)} ${row.streams.padStart(4)}  ${parts.join("  ")}  hold ${ours.holdMs} ms`;
}

function buildPeers(): void {
  if (!existsSync(perf)) throw new Error(`no ${perf}: set TRIMTAB_PERF to the folder of the measuring programs`);
  if (spawnSync("go", ["version"]).status !== 0) throw new Error("bench:xds needs Go");
  mkdirSync(bin, { recursive: true });
  execFileSync("go", ["build", "-o", `${bin}/`, "./cmd/..."], { cwd: perf, stdio: ["ignore", "ignore", "inherit"] });
}

buildPeers();
const load = (): string =>
  loadavg()
    .map((value) => value.toFixed(2))
    .join(" ");
process.stdout.write(`${cpus().length} x ${cpus()[0]?.model}, node ${process.version}, load ${load()}\n`);
process.stdout.write(
  "ours : the better of go-control-plane's two caches (ratio); CPU of connects in s, of a change in ms\n",
);
const report: object[] = [];
for (const mode of list(values.mode))
  for (const variant of list(values.variant))
    for (const streams of mode === "nack"
      ? ["10"]
      : mode === "reconnect"
        ? list(values.streams).slice(-1)
        : list(values.streams))
      for (let round = 0; round < Number(values.rounds); round++) {
        const row = { mode, variant, streams };
        const found = new Map<Side, Figures>();
        const isChange = values.floor && mode === "cds" && variant === "delta";
        for (const side of isChange ? [...SIDES, "floor" as const] : SIDES) found.set(side, await measure(side, row));
        process.stdout.write(`${line(row, found)}\n`);
        report.push({ ...row, load: load(), ...Object.fromEntries(found) });
      }
mkdirSync(join(root, ".trimtab"), { recursive: true });
writeFileSync(join(root, ".trimtab/bench-xds.json"), `${JSON.stringify(report, null, 2)}\n`);
