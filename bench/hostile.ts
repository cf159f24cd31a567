/** `npm run bench:hostile`: what hostile clients cost one that behaves, and the server's memory; see README.md. */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

/** The aims: a good client's p99 with every kind, and how much the server grows beside what it has when nobody attacks. */
const P99_MS = 150;
const GROWTH_BYTES = 256 * 1024 * 1024;
/** Where the names of kinds are cut off. */
const KIND_COLUMNS = 80;
const MIB = 1024 * 1024;

/** One kind of hostile client in one round, as `src/xds/hostile.test.ts` writes it. */
interface Figures {
  readonly kind: string;
  /** Milliseconds that the good client waited for each of its answers. */
  readonly waits: readonly number[];
  /** CPU of the longest turn of the server's event loop, and the most memory of its process. */
  readonly turnMs: number;
  readonly rss: number;
}

const { values } = parseArgs({ options: { rounds: { type: "string", default: "3" } } });
const root = join(import.meta.dirname, "..");
const file = join(root, ".trimtab/bench-hostile.jsonl");

/** Runs every kind once, on a fresh server. */
function runKinds(): Figures[] {
  mkdirSync(join(root, ".trimtab"), { recursive: true });
  rmSync(file, { force: true });
  const options = ["run", "--root", root, "--project", "unit", "src/xds/hostile.test.ts", "--reporter", "dot"];
  const { status } = spawnSync(join(root, "node_modules/.bin/vitest"), options, {
    env: { ...process.env, TRIMTAB_HOSTILE_FIGURES: file },
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (status !== 0) throw new Error("not every kind was answered as documented: run vitest on src/xds/hostile.test.ts");
  return readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Figures);
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** A line of the table: medians of the rounds, because other work on the machine spoils one or another; of turns the longest. */
function summarize(kind: string, rounds: readonly (readonly Figures[])[]) {
  const own = rounds.map((round) => round.find((figures) => figures.kind === kind)!);
  const growth = own.map(({ rss }, index) => rss - ordinary(rounds[index]!));
  return {
    kind,
    // What stands in brackets is the server at its ordinary work.
    isJudged: !kind.startsWith("("),
    answers: own.flatMap(({ waits }) => waits).length,
    p50: median(own.map(({ waits }) => quantile(waits, 0.5))),
    p99: median(own.map(({ waits }) => quantile(waits, 0.99))),
    turnMs: Math.max(...own.map(({ turnMs }) => turnMs)),
    growth: median(growth),
  };
}

/** Memory of a server that nobody has attacked yet. */
function ordinary(round: readonly Figures[]): number {
  return Math.max(...round.filter(({ kind }) => kind.startsWith("(")).map(({ rss }) => rss));
}

function isMissed({ isJudged, p99, growth }: ReturnType<typeof summarize>): boolean {
  return isJudged && (p99 >= P99_MS || growth >= GROWTH_BYTES);
}

function line(row: ReturnType<typeof summarize>): string {
  const { kind, answers, p50, p99, turnMs, growth } = row;
  const numbers = [answers, p50, p99, turnMs, growth / MIB].map((value) => value.toFixed(0).padStart(8));
  return `${kind.slice(0, KIND_COLUMNS).padEnd(KIND_COLUMNS)}${numbers.join("")}${isMissed(row) ? "  FAIL" : ""}`;
}

const load = loadavg()[0]!.toFixed(2);
process.stdout.write(`${cpus().length} x ${cpus()[0]?.model}, node ${process.version}, load ${load}\n`);
const rounds = Array.from({ length: Number(values.rounds) }, runKinds);
const rows = rounds[0]!.map(({ kind }) => summarize(kind, rounds));
process.stdout.write(`${"".padEnd(KIND_COLUMNS)} answers  p50 ms  p99 ms turn ms  +MiB\n`);
for (const row of rows) process.stdout.write(`${line(row)}\n`);
const failed = rows.filter(isMissed);
process.stdout.write(
  `${failed.length} of ${rows.length} rows miss the aims (p99 below ${P99_MS} ms, growth below 256 MiB)\n`,
);
process.exitCode = failed.length === 0 ? 0 : 1;
