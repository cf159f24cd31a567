/**
 * `npm test`: types, lint, unit tests, build, e2e tests, in this order, all of them even when one fails. Writes
 * `.trimtab/reports/total.txt` with the line `N passed, N failed` and prints it last.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const reports = join(root, ".trimtab/reports");
const bin = join(root, "node_modules/.bin");

/** What one stage adds to the total. */
interface Count {
  passed: number;
  failed: number;
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
  let count: Count = { passed: 0, failed: 0 };
  try {
    const found = JSON.parse(readFileSync(report, "utf8")) as { numPassedTests: number; numFailedTests: number };
    count = { passed: found.numPassedTests, failed: found.numFailedTests };
  } catch {
    // No report: vitest itself did not run, and `ok` is false.
  }
  return { ...count, failed: ok ? count.failed : Math.max(count.failed, 1) };
}

rmSync(reports, { recursive: true, force: true });
mkdirSync(reports, { recursive: true });
const total: Count = { passed: 0, failed: 0 };
const broken: string[] = [];
for (const stage of STAGES) {
  console.log(`\n== ${stage.name}`);
  const ok = "project" in stage ? undefined : runCommand(stage.command);
  const count = "project" in stage ? runProject(stage.project) : { passed: ok ? 1 : 0, failed: ok ? 0 : 1 };
  total.passed += count.passed;
  total.failed += count.failed;
  if (count.failed > 0) broken.push(stage.name);
}
const line = `${total.passed} passed, ${total.failed} failed`;
writeFileSync(join(reports, "total.txt"), `${line}\n`);
if (broken.length > 0) console.log(`\nfailed: ${broken.join(", ")}`);
console.log(`\n${line}`);
process.exitCode = total.failed > 0 ? 1 : 0;
