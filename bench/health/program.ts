/** `trimtab dev` with the three real proxies, nginx with the prober of its agent: what the measurements of health ask. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { must } from "../../e2e/harness/api.ts";
import { freePort } from "../../e2e/harness/ports.ts";
import { logTail, startChild, stopChild, until } from "../../e2e/harness/process.ts";
import { programEntry } from "../../e2e/harness/program.ts";

/** Starting takes its time on a busy machine. */
const START_MS = 60_000;

/** A running one. */
export interface Running {
  /** How often nginx was reloaded so far. */
  readonly nginxReloads: () => Promise<number>;
  readonly stop: () => Promise<void>;
}

/** Starts it with that model, and waits until `isReady`. Throws with the end of its log. */
export async function startProgram(model: object, isReady: () => Promise<boolean>): Promise<Running> {
  const folder = await mkdtemp(join(tmpdir(), "trimtab-health-"));
  const [http, xds] = [await freePort(), await freePort()];
  const file = join(folder, "model.json");
  await mkdir(join(folder, "data"));
  await writeFile(file, JSON.stringify(model));
  const sockets = ["--http", `127.0.0.1:${http}`, "--xds", `127.0.0.1:${xds}`, "--data", join(folder, "data")];
  const child = startChild(process.execPath, [programEntry(), "dev", file, ...sockets], {
    logFile: join(folder, "dev.log"),
  });
  const stop = async (): Promise<void> => {
    await stopChild(child);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await until("all serve", async () => ((await isReady()) ? true : null), { timeoutMs: START_MS });
  } catch (error) {
    const tail = logTail(child);
    await stop();
    throw new Error(`${String(error)}\n${tail}`);
  }
  return {
    stop,
    nginxReloads: async () =>
      (await must(`http://127.0.0.1:${http}`, "GET /v1/fleets/nginx/proxies")).json.items[0].reloads,
  };
}
