/**
 * `npm test`: types, lint, build, then unit tests and e2e tests side by side, all of them even when one fails. Writes
 * `.trimtab/reports/total.txt` with the line `N passed, N failed` and prints it last.
 *
 * Tests on real proxies depend on the clock of a machine that others use. A few files that fail beside all others are run once more, alone:
 * what passes then is counted as passed and named at the end, with what it said the first time.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const reports = join(root, ".trimtab/reports");
const bin = join(root, "node_modules/.bin");

/** What one stage adds to the total. */
interface Count {
  passed: number;
  failed: number;
  /** What failed, as far as it is known. */
  names: string[];
  /** What failed beside others and passed alone. */
  unsteady: string[];
}

interface FileCount extends Count {
  /** In which something failed. */
  files: string[];
}

/** The part of vitest's report that is read here. */
interface Report {
  numPassedTests: number;
  numFailedTests: number;
  testResults: { name: string; status: string; assertionResults: Assertion[] }[];
}

interface Assertion {
  status: string;
  fullName: string;
  failureMessages?: string[];
}

/** More failed files than these are no accident of the clock. */
const MAX_FILES_AGAIN = 3;
/** Lines of a failure that the summary shows. */
const SHOWN_LINES = 16;

/** A stage is one command; vitest's are counted by test, others as one. */
type Stage = { name: string; command: string[] } | { name: string; project: string };

/** Stages of one line run side by side: tests on real proxies wait half of their time, and unit tests fill it. */
const ROUNDS: Stage[][] = [
  [{ name: "types", command: ["tsc", "--noEmit"] }],
  [{ name: "lint and format", command: ["biome", "check", "--error-on-warnings"] }],
  [{ name: "build", command: ["node", "src/tooling/build.ts"] }],
  [
    { name: "unit tests", project: "unit" },
    { name: "e2e tests", project: "e2e" },
  ],
  [{ name: "container tests", project: "containers" }],
];

/** Runs it and tells whether it succeeded. What it prints is held back until `turn`, when others of its round have printed theirs. */
async function runCommand(command: string[], turn: Promise<unknown> = Promise.resolve()): Promise<boolean> {
  const [program, ...args] = command as [string, ...string[]];
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}` };
  const child = spawn(program, args, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
  const closed = once(child, "close").catch(() => [null]);
  const held: [NodeJS.WriteStream, Buffer][] = [];
  let isTurn = false;
  for (const [from, to] of [[child.stdout, process.stdout] as const, [child.stderr, process.stderr] as const])
    from.on("data", (text: Buffer) => (isTurn ? to.write(text) : held.push([to, text])));
  await turn;
  for (const [to, text] of held) to.write(text);
  isTurn = true;
  const [status] = await closed;
  return status === 0;
}

/** All stages of a round, each printing after the one before; then, alone, a few files that failed. */
async function runRound(round: readonly Stage[]): Promise<Count[]> {
  let turn: Promise<unknown> = Promise.resolve();
  const running = round.map((stage) => {
    const before = turn.then(() => console.log(`\n== ${stage.name}`));
    const run = "project" in stage ? runFiles(stage.project, { turn: before }) : runPlain(stage.command, before);
    turn = run;
    return run;
  });
  const counts: Count[] = [];
  for (const [index, first] of (await Promise.all(running)).entries()) {
    const stage = round[index] as Stage;
    counts.push("project" in stage ? await runAgain(stage.project, first) : first);
  }
  return counts;
}

async function runPlain(command: string[], turn: Promise<unknown>): Promise<FileCount> {
  const ok = await runCommand(command, turn);
  return { passed: ok ? 1 : 0, failed: ok ? 0 : 1, names: [], unsteady: [], files: [] };
}

/** What failed once more, when it is little. */
async function runAgain(project: string, first: FileCount): Promise<Count> {
  if (first.failed === 0 || first.files.length === 0 || first.files.length > MAX_FILES_AGAIN) return first;
  console.log(`\n== again, alone: ${first.files.join(", ")}`);
  const again = await runFiles(project, { name: `${project}-again`, files: first.files });
  if (again.failed > 0) return { ...first, names: [...first.names, "again, alone:", ...again.names] };
  return { passed: first.passed + first.failed, failed: 0, names: [], unsteady: first.names };
}

interface Run {
  /** Of the report. Default: the project. */
  readonly name?: string;
  /** Default: all. */
  readonly files?: readonly string[];
  readonly turn?: Promise<unknown>;
}

/** Runs these files of a project, and reads vitest's report. */
async function runFiles(project: string, { name = project, files = [], turn }: Run): Promise<FileCount> {
  const report = join(reports, `${name}.json`);
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const command = ["vitest", "run", "--project", project, "--passWithNoTests", ...reporters, ...files];
  return countReport(report, await runCommand(command, turn));
}

/** A run that failed without a failed test (a file that does not load, an error outside tests) counts as one failure. */
function countReport(report: string, ok: boolean): FileCount {
  let count: FileCount = { passed: 0, failed: 0, names: [], unsteady: [], files: [] };
  try {
    const found = JSON.parse(readFileSync(report, "utf8")) as Report;
    const broken = found.testResults.filter(({ status }) => status === "failed");
    const files = broken.map(({ name }) => relative(root, name));
    count = {
      ...count,
      passed: found.numPassedTests,
      failed: found.numFailedTests,
      names: broken.flatMap(failuresOf),
      files,
    };
  } catch {
    // No report: vitest itself did not run, and `ok` is false.
  }
  return { ...count, failed: ok ? count.failed : Math.max(count.failed, 1) };
}

/** File and name of each failed test, with what it says; of a file that failed without one, the file. */
function failuresOf({ name, assertionResults }: Report["testResults"][number]): string[] {
  const file = relative(root, name);
  const failed = assertionResults.filter(({ status }) => status === "failed");
  if (failed.length === 0) return [file];
  return failed.map(({ fullName, failureMessages = [] }) => {
    const lines = failureMessages.join("\n").split("\n").slice(0, SHOWN_LINES);
    return [`${file}: ${fullName}`, ...lines.map((line) => `    ${line}`)].join("\n");
  });
}

rmSync(reports, { recursive: true, force: true });
mkdirSync(reports, { recursive: true });
const total: Count = { passed: 0, failed: 0, names: [], unsteady: [] };
for (const round of ROUNDS) {
  for (const [index, count] of (await runRound(round)).entries()) {
    total.passed += count.passed;
    total.failed += count.failed;
    total.unsteady.push(...count.unsteady);
    if (count.failed > 0) total.names.push(round[index]?.name ?? "", ...count.names.map((name) => `  ${name}`));
  }
}
const line = `${total.passed} passed, ${total.failed} failed`;
writeFileSync(join(reports, "total.txt"), `${line}\n`);
if (total.unsteady.length > 0) console.log(`\nfailed beside others, passed alone:\n${total.unsteady.join("\n")}`);
if (total.names.length > 0) console.log(`\nfailed:\n${total.names.join("\n")}`);
console.log(`\n${line}`);
process.exitCode = total.failed > 0 ? 1 : 0;
