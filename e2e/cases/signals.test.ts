/**
 * How a local run ends: nothing of it is left, whoever is told to end or is killed. `npm run bench:signals` has all ways; these are
 * the two that need most help: a signal that npm passes on, and a death that no code of ours sees. While it runs, its host inside
 * TLS answers.
 */
import { once } from "node:events";
import { mkdtempSync, readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { get } from "node:https";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, it } from "vitest";
import { e2e } from "../harness/context.ts";
import { endOf, type LocalRun, startLocalRun } from "../harness/localRun.ts";

/** The set-up before it has its own tests, and has been run. */
const NPM_START = ["npm", "start", "--ignore-scripts"];

const start = (): Promise<LocalRun> =>
  startLocalRun(NPM_START, { folder: mkdtempSync(join(e2e().workDir, "signals-")) });

const SECURE_HOST = "secure.example.com";

/** What each proxy's host inside TLS answers to whom trusts the authority that the printed command names, and nobody else. */
function securely({ https, output }: LocalRun): Promise<readonly string[]> {
  const [, authority = ""] = /curl -i --cacert (\S+) --resolve secure\.example\.com:/.exec(output()) ?? [];
  return Promise.all(
    https.map(async (at) => {
      const [host = "", port] = at.split(":");
      const names = { servername: SECURE_HOST, headers: { host: `${SECURE_HOST}:${port}` } };
      const sent = get({ host, port, path: "/cart", ca: readFileSync(authority), agent: false, ...names });
      const [answer] = (await once(sent, "response")) as [IncomingMessage];
      const { method, path } = JSON.parse(await text(answer)) as { method: string; path: string };
      return `${answer.statusCode} ${method} ${path}`;
    }),
  );
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
