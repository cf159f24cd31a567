/** Our control plane with one model: what a generated Envoy gets its configuration from, by delta xDS as in production. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { program } from "./places.ts";
import { freePorts } from "./ports.ts";
import { type Running, run, start } from "./processes.ts";

/** It starts within a second; ten thousand routes take a few more. */
const READY_TIMEOUT_MS = 30_000;
const POLL_MS = 50;

/** Starts it, loads the model and writes `envoy.yaml`, the file that an Envoy of it starts with. */
export async function startControlPlane(folder: string, model: string): Promise<Running> {
  const [http, xds, admin] = (await freePorts(3)).map((port) => `127.0.0.1:${port}`) as [string, string, string];
  const plane = start({
    binary: process.execPath,
    args: [program, "serve", "--data", join(folder, "data"), "--http", http, "--xds", xds],
  });
  try {
    await ready(plane, http);
    const answer = await fetch(`http://${http}/v1/config`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: model,
    });
    if (!answer.ok) throw new Error(`the model was not taken: ${answer.status} ${await answer.text()}`);
    await answer.arrayBuffer();
    const bootstrap = ["bootstrap", "--fleet", "envoy", "--xds", xds, "--admin", admin];
    writeFileSync(join(folder, "envoy.yaml"), await run({ binary: process.execPath, args: [program, ...bootstrap] }));
    return plane;
  } catch (error) {
    await plane.stop();
    throw error;
  }
}

async function ready(plane: Running, http: string): Promise<void> {
  for (let waited = 0; waited < READY_TIMEOUT_MS; waited += POLL_MS) {
    const ended = plane.ended();
    if (ended !== null) throw new Error(ended);
    const status = await fetch(`http://${http}/readyz`).then(
      (answer) => answer.status,
      () => 0,
    );
    if (status === 200) return;
    await sleep(POLL_MS);
  }
  throw new Error("the control plane does not get ready");
}
