/** A program and an Envoy of a case's own, for cases that stop, kill or starve them. */
import { mkdir, mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import type { RunningProxy } from "../proxies/adapter.ts";
import { envoy } from "../proxies/envoy.ts";
import { must } from "./api.ts";
import { e2e } from "./context.ts";
import { type Document, type ModelPart, markerHost, merge } from "./model.ts";
import { freePort } from "./ports.ts";
import { until } from "./process.ts";
import { type Program, type ServeOptions, startProgram, stopProgram } from "./program.ts";
import { send } from "./rawHttp.ts";

/** Where the cases' own Envoys listen. */
export const ownAddress = "127.0.0.24";

export interface Own {
  /** Changes when the program is started again. */
  program: Program;
  readonly serveOptions: ServeOptions;
  readonly envoy: RunningProxy;
  readonly port: number;
}

/** Starts both, with a fleet `own`, a listener `web`, a route for `markerHost` that answers `marker`, and the part. */
export async function startOwn(part: ModelPart = {}): Promise<Own> {
  const dir = await mkdtemp(join(e2e().workDir, "own-"));
  await mkdir(join(dir, "data"));
  const serveOptions = {
    dataDir: join(dir, "data"),
    httpPort: await freePort(),
    xdsPort: await freePort(),
    logFile: join(dir, "trimtab.log"),
  };
  const port = await freePort(ownAddress);
  const program = await startProgram(serveOptions);
  await must(program.api, "PUT /v1/config", { body: merge(ownBase(port), part) });
  await mkdir(join(dir, "envoy"));
  const proxy = await envoy.start({ program, fleet: "own", address: ownAddress, dir: join(dir, "envoy") });
  await until("the own Envoy serves", async () =>
    (await askOwn({ envoy: proxy, port }, markerHost)).body === "marker" ? true : null,
  );
  return { program, serveOptions, envoy: proxy, port };
}

export async function stopOwn(own: Own): Promise<void> {
  await envoy.stop(own.envoy);
  await stopProgram(own.program);
}

/** GET / for the host. */
export function askOwn(own: Pick<Own, "envoy" | "port">, host: string): ReturnType<typeof send> {
  return send({ address: own.envoy.address, port: own.port }, { path: "/", host });
}

/** A route of the own listener that answers with a text. */
export function saying(name: string, hostname: string, body: string): Document {
  return { name, listeners: ["web"], hostnames: [hostname], rules: [{ respond: { status: 200, body } }] };
}

export function ownBase(port: number): ModelPart {
  return {
    fleets: [{ name: "own", proxy: "envoy", bindAddress: ownAddress }],
    listeners: [{ name: "web", fleets: ["own"], port, protocol: "HTTP" }],
    routes: [saying("marker", markerHost, "marker")],
  };
}
