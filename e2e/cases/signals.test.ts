/**
 * How a local run ends: nothing of it is left, whoever is told to end or is killed. `npm run bench:signals` has all ways; these are
 * the two that need most help: a signal that npm passes on, and a death that no code of ours sees.
 */
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { e2e } from "../harness/context.ts";
import { endOf, type LocalRun, startLocalRun } from "../harness/localRun.ts";

/** The set-up before it has its own tests, and has been run. */
const NPM_START = ["npm", "start", "--ignore-scripts"];

const start = (): Promise<LocalRun> =>
  startLocalRun(NPM_START, { folder: mkdtempSync(join(e2e().workDir, "signals-")) });

it("kill -TERM of npm start ends the program, its upstreams and the proxies, with exit code 0", async () => {
  const run = await start();
  expect(run.pids.length).toBeGreaterThan(5);
  process.kill(run.child.pid as number, "SIGTERM");
  expect(await endOf(run)).toEqual({ code: 0, signal: null });
  expect(run.output()).toContain("Stopping.");
});

it("kill -9 of the program ends the proxies too", async () => {
  const run = await start();
  process.kill(run.program, "SIGKILL");
  await endOf(run);
});
