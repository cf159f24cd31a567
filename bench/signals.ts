/**
 * `npm run bench:signals`: every way in which a local run may end, on the real thing. After each nothing of it may be left: no process,
 * no port. Printed: what the command ended with, and after how many seconds the last of it was gone. Status 1 when something is left.
 */
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { endOf, type LocalRun, startLocalRun } from "../e2e/harness/localRun.ts";
import { install, pack } from "../e2e/harness/package.ts";
import { repositoryRoot } from "../e2e/harness/program.ts";

const folder = mkdtempSync(join(tmpdir(), "trimtab-signals-"));
const example = "examples/quickstart.yaml";
/** What a user of the package has. */
const home = join(folder, "home");

const COMMANDS = {
  "npm start": ["npm", "start"],
  "node src/main.ts dev": [process.execPath, "src/main.ts", "dev", example],
  "npx trimtab dev": ["npx", "trimtab", "dev", "quickstart.yaml"],
} as const;
type Command = keyof typeof COMMANDS;

interface Way {
  readonly command: Command;
  readonly what: string;
  readonly kill: (run: LocalRun) => void;
  /** Exit code, or the signal that ended it. */
  readonly ends: number | string;
}

const toCommand = (signal: NodeJS.Signals) => (run: LocalRun) => process.kill(run.child.pid as number, signal);
const toGroup = (signal: NodeJS.Signals) => (run: LocalRun) => process.kill(-(run.child.pid as number), signal);
const toProgram = (signal: NodeJS.Signals) => (run: LocalRun) => process.kill(run.program, signal);

const WAYS: readonly Way[] = [
  { command: "npm start", what: "kill -TERM", kill: toCommand("SIGTERM"), ends: 0 },
  { command: "npm start", what: "Ctrl-C", kill: toGroup("SIGINT"), ends: 0 },
  { command: "npm start", what: "the terminal is closed", kill: toGroup("SIGHUP"), ends: "SIGHUP" },
  { command: "npm start", what: "kill -9", kill: toCommand("SIGKILL"), ends: "SIGKILL" },
  { command: "npm start", what: "kill -9 of the program", kill: toProgram("SIGKILL"), ends: "SIGKILL" },
  { command: "node src/main.ts dev", what: "kill -TERM", kill: toCommand("SIGTERM"), ends: 0 },
  { command: "node src/main.ts dev", what: "Ctrl-C", kill: toGroup("SIGINT"), ends: 0 },
  { command: "node src/main.ts dev", what: "kill -HUP", kill: toCommand("SIGHUP"), ends: 0 },
  { command: "node src/main.ts dev", what: "kill -9", kill: toCommand("SIGKILL"), ends: "SIGKILL" },
  { command: "npx trimtab dev", what: "kill -TERM", kill: toCommand("SIGTERM"), ends: "SIGTERM" },
  { command: "npx trimtab dev", what: "Ctrl-C", kill: toGroup("SIGINT"), ends: "SIGINT" },
  { command: "npx trimtab dev", what: "kill -9", kill: toCommand("SIGKILL"), ends: "SIGKILL" },
];

async function tryWay({ command, what, kill, ends }: Way, data: string): Promise<void> {
  const run = await startLocalRun(COMMANDS[command], {
    folder: data,
    cwd: command === "npx trimtab dev" ? home : repositoryRoot,
  });
  const start = performance.now();
  kill(run);
  const { code, signal } = await endOf(run);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`| ${command} | ${what} | ${signal ?? code} | ${seconds} | ${run.pids.length} |`);
  if ((signal ?? code) !== ends) throw new Error(`it should end with ${ends}`);
}

try {
  install(home, pack(folder));
  copyFileSync(join(repositoryRoot, example), join(home, "quickstart.yaml"));
  console.log("| command | what happens | ends with | gone after (s) | processes |\n|---|---|---|---|---|");
  for (const [index, way] of WAYS.entries()) {
    // The data folder of the run before, every other time: a run that was killed must not be in the way of the next.
    await tryWay(way, join(folder, `data-${Math.floor(index / 2)}`)).catch((error: Error) => {
      console.error(`${way.command}, ${way.what}: ${error.message}`);
      process.exitCode = 1;
    });
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
