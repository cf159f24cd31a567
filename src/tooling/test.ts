/**
 * `npm test`: types, lint, unit tests, build, e2e tests, in this order, all of them even when one fails. Writes
 * `.trimtab/reports/total.txt` with the line `N passed, N failed` and prints it last.
 */
import { spawnSync } from "node:child_process";
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
  /** Names of what failed, as far as they are known. */
  names: string[];
}

/** The part of vitest's report that is read here. */
interface Report {
  numPassedTests: number;
  numFailedTests: number;
  testResults: { name: string; status: string; assertionResults: { status: string; fullName: string }[] }[];
}

/** A stage is one command; vitest's are counted by test, others as one. */
type Stage = { name: string; command: string[] } | { name: string; project: string };

const STAGES: Stage[] = [
  { name: "types", command: ["tsc", "--noEmit"] },
  { name: "lint and format", command: ["biome", "check", "--error-on-warnings"] },
  { name: "unit tests", project: "unit" },
  { name: "build", command: ["node", "src/tooling/build.ts"] },
  { name: "e2e tests", project: "e2e" },
  { name: "container tests", project: "containers" },
];

function runCommand(command: string[]): boolean {
  const [program, ...args] = command as [string, ...string[]];
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}` };
  return spawnSync(program, args, { cwd: root, env, stdio: ["ignore", "inherit", "inherit"] }).status === 0;
}

function runProject(project: string): Count {
  const report = join(reports, `${project}.json`);
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const ok = runCommand(["vitest", "run", "--project", project, "--passWithNoTests", ...reporters]);
  return countReport(report, ok);
}

/** A run that failed without a failed test (a file that does not load, an error outside tests) counts as one failure. */
function countReport(report: string, ok: boolean): Count {
  let count: Count = { passed: 0, failed: 0, names: [] };
  try {
    const found = JSON.parse(readFileSync(report, "utf8")) as Report;
    count = { passed: found.numPassedTests, failed: found.numFailedTests, names: namesOfFailed(found) };
  } catch {
    // No report: vitest itself did not run, and `ok` is false.
  }
  return { ...count, failed: ok ? count.failed : Math.max(count.failed, 1) };
}

/** File and name of each failed test; of a file that failed without one, the file. */
function namesOfFailed({ testResults }: Report): string[] {
  const broken = testResults.filter(({ status }) => status === "failed");
  return broken.flatMap(({ name, assertionResults }) => {
    const file = relative(root, name);
    const failed = assertionResults.filter(({ status }) => status === "failed");
    return failed.length === 0 ? [file] : failed.map(({ fullName }) => `${file}: ${fullName}`);
  });
}

rmSync(reports, { recursive: true, force: true });
mkdirSync(reports, { recursive: true });
const total: Count = { passed: 0, failed: 0, names: [] };
for (const stage of STAGES) {
  console.log(`\n== ${stage.name}`);
  const ok = "project" in stage ? undefined : runCommand(stage.command);
  const count = "project" in stage ? runProject(stage.project) : { passed: ok ? 1 : 0, failed: ok ? 0 : 1, names: [] };
  total.passed += count.passed;
  total.failed += count.failed;
  if (count.failed > 0) total.names.push(stage.name, ...count.names.map((name) => `  ${name}`));
}
const line = `${total.passed} passed, ${total.failed} failed`;
writeFileSync(join(reports, "total.txt"), `${line}\n`);
if (total.names.length > 0) console.log(`\nfailed:\n${total.names.join("\n")}`);
console.log(`\n${line}`);
process.exitCode = total.failed > 0 ? 1 : 0;
