/**
 * `npm run bench:start`: what the built program costs to start, as CPU time (user and system) of whole processes, beside a Node that does
 * nothing. The commands take turns, so that a busy machine is busy for all of them.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROUNDS = 20;
/** Seconds of CPU that the first answer of a new user may cost. */
const AIM = { command: "validate", cpu: 0.4 };

const root = join(import.meta.dirname, "..");
const program = join(root, "dist/main.js");
const example = join(root, "examples/quickstart.yaml");
const folder = mkdtempSync(join(tmpdir(), "trimtab-start-"));
const cache = { XDG_CACHE_HOME: folder };

interface Row {
  readonly name: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

const explain = ["--fleet", "edge-nginx", "--port", "8080", "--url", "http://shop.example.com/cart"];
const rows: readonly Row[] = [
  { name: "node -e 0", args: ["-e", "0"], env: {} },
  { name: "--version", args: [program, "--version"], env: cache },
  { name: "--help", args: [program, "--help"], env: cache },
  { name: "validate", args: [program, "validate", example], env: cache },
  {
    name: "validate, never run before",
    args: [program, "validate", example],
    env: { NODE_DISABLE_COMPILE_CACHE: "1" },
  },
  { name: "explain", args: [program, "explain", example, ...explain], env: cache },
  { name: "render", args: [program, "render", example, "-o", join(folder, "out")], env: cache },
];

/** Seconds of CPU of one run. Bash tells what a child cost; Node does not. */
function cpuOf({ args, env }: Row): number {
  const script = 'TIMEFORMAT="%U %S"; { time "$@" >/dev/null 2>&1; } 2>&1';
  const printed = execFileSync("bash", ["-c", script, "bash", process.execPath, ...args], {
    encoding: "utf8",
    env: { ...process.env, ...env },
  });
  const [user = Number.NaN, system = Number.NaN] = printed.trim().split(" ").map(Number);
  return user + system;
}

const median = (sorted: readonly number[]): number => sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;

try {
  const found = new Map<string, number[]>(rows.map(({ name }) => [name, []]));
  for (const row of rows) cpuOf(row);
  for (let round = 0; round < ROUNDS; round++) for (const row of rows) found.get(row.name)?.push(cpuOf(row));
  const anchor = median((found.get("node -e 0") ?? []).sort((a, b) => a - b));
  console.log(`CPU seconds of ${ROUNDS} runs, Node ${process.versions.node}\n`);
  console.log("| command | minimum | median | of `node -e 0` |\n|---|---|---|---|");
  for (const [name, all] of found) {
    const sorted = all.sort((a, b) => a - b);
    const middle = median(sorted);
    console.log(`| ${name} | ${sorted[0]?.toFixed(3)} | ${middle.toFixed(3)} | ${(middle / anchor).toFixed(1)} |`);
    if (name === AIM.command && middle > AIM.cpu) {
      console.error(`${name}: more than ${AIM.cpu} s`);
      process.exitCode = 1;
    }
  }
} finally {
  rmSync(folder, { recursive: true });
}
