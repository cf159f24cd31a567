/** A server that is killed with a model near its bounds, and one whose bounds became smaller than its model. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { hostnames, type Model, unequalHosts } from "./shapes.ts";
import type { Attack } from "./types.ts";

const MAIN = join(import.meta.dirname, "../../dist/main.js");
/** Until a start must answer: with the largest model it takes some seconds on a busy machine. */
const START_MS = 60_000;

interface Own {
  readonly child: ChildProcess;
  readonly url: string;
}

async function start(data: string, more: readonly string[] = []): Promise<Own> {
  const args = [
    "serve",
    "--data",
    data,
    "--http",
    "127.0.0.1:0",
    "--xds",
    "127.0.0.1:0",
    "--log-level",
    "error",
    ...more,
  ];
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  const [line] = (await once(lines, "line", { signal: AbortSignal.timeout(START_MS) })) as [string];
  return { child, url: /http:\/\/[\d.]+:\d+/.exec(line)?.[0] ?? line };
}

async function kill({ child }: Own): Promise<void> {
  child.kill("SIGKILL");
  await once(child, "exit");
}

/** What is wrong with the fleets' files after a start: `statuses` are those that an answer may have. */
async function looked(own: Own, where: string, statuses: readonly number[]): Promise<string[]> {
  const wrong: string[] = [];
  const ready = await fetch(`${own.url}/readyz?verbose`);
  if (ready.status !== 200) wrong.push(`${where}: not ready: ${ready.status}`);
  // Polling must not end the process either.
  for (const fleet of ["f1", "f2", "f1", "f2"]) {
    const { status } = await fetch(`${own.url}/v1/fleets/${fleet}/files`);
    if (!statuses.includes(status)) wrong.push(`${where}: files of ${fleet}: ${status}`);
    if (
      status === 503 &&
      !(await (await fetch(`${own.url}/v1/fleets/${fleet}/status`)).text()).includes("MODEL-TOO-LARGE")
    )
      wrong.push(`${where}: ${fleet} does not say why it has no files`);
  }
  if (own.child.exitCode !== null) wrong.push(`${where}: the server ended`);
  return wrong;
}

async function restarted(model: Model): Promise<string[]> {
  const data = mkdtempSync(join(tmpdir(), "trimtab-restarts-"));
  const wrong: string[] = [];
  let own = await start(data);
  try {
    const headers = { "content-type": "application/json" };
    const { status } = await fetch(`${own.url}/v1/config`, { method: "PUT", headers, body: JSON.stringify(model) });
    if (status !== 200) wrong.push(`the model is not admitted: ${status}`);
    await kill(own);
    own = await start(data);
    wrong.push(...(await looked(own, "after a kill", [200])));
    await kill(own);
    own = await start(data, ["--memory-limit", "256MiB"]);
    wrong.push(...(await looked(own, "with less memory", [200, 503])));
    const { status: smaller } = await fetch(`${own.url}/v1/routes/shared`, { method: "DELETE" });
    if (![200, 404].includes(smaller)) wrong.push(`a model over the bounds cannot be made smaller: ${smaller}`);
  } finally {
    await kill(own);
    rmSync(data, { recursive: true, force: true });
  }
  return wrong;
}

/** Restarts with what was admitted. It runs servers of its own. */
export const restarts: Attack = {
  name: "restarts",
  promise: "whatever was admitted, a restart serves it, also with smaller bounds: the fleet that is too large says so",
  async run(_server, size) {
    const models = size === "short" ? [unequalHosts(16, 1000)] : [unequalHosts(20, 8000), hostnames(350, 256)];
    const wrong: string[] = [];
    for (const model of models) wrong.push(...(await restarted(model)));
    return wrong;
  },
};
