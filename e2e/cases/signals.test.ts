/**
 * How a local run ends: nothing of it is left, whoever is told to end or is killed. `npm run bench:signals` has all ways; these are
 * the two that need most help: a signal that npm passes on, and a death that no code of ours sees. While it runs, its host inside
 * TLS answers.
 */
import { execFile } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { e2e } from "../harness/context.ts";
import { endOf, type LocalRun, startLocalRun } from "../harness/localRun.ts";

/** The set-up before it has its own tests, and has been run. */
const NPM_START = ["npm", "start", "--ignore-scripts"];

const start = (): Promise<LocalRun> =>
  startLocalRun(NPM_START, { folder: mkdtempSync(join(e2e().workDir, "signals-")) });

/** What each proxy's host inside TLS answers, as the command that is printed asks for it: trusted by the run's own authority. */
function securely({ https, output }: LocalRun): Promise<readonly string[]> {
  const [, authority = ""] = /curl -i --cacert (\S+) --resolve secure\.example\.com:/.exec(output()) ?? [];
  const answers = https.map((at) => {
    const [address = "", port] = at.split(":");
    const url = `https://secure.example.com:${port}/cart`;
    const args = [
      "-sS",
      "--cacert",
      authority,
      "--resolve",
      `secure.example.com:${port}:${address}`,
      url,
      "-w",
      "\n%{http_code}",
    ];
    return promisify(execFile)("curl", args).then(({ stdout }) => {
      const [body = "", status] = stdout.split(/\n(?=\d+$)/);
      const { method, path } = JSON.parse(body) as { method: string; path: string };
      return `${status} ${method} ${path}`;
    });
  });
  return Promise.all(answers);
}

it("kill -TERM of npm start ends the program, its upstreams and the proxies, with exit code 0", async () => {
  const run = await start();
  expect(run.pids.length).toBeGreaterThan(5);
  expect(await securely(run)).toEqual(["200 GET /cart", "200 GET /cart", "200 GET /cart"]);
  process.kill(run.child.pid as number, "SIGTERM");
  expect(await endOf(run)).toEqual({ code: 0, signal: null });
  expect(run.output()).toContain("Stopping.");
});

it("kill -9 of the program ends the proxies too", async () => {
  const run = await start();
  process.kill(run.program, "SIGKILL");
  await endOf(run);
});
