/** The program: the only file that constructs everything. */
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { logVerbosity, setLogVerbosity } from "@grpc/grpc-js";
import { Registry as MetricsRegistry, type Registry } from "prom-client";
import { type Api, createApi } from "./api/index.ts";
import { parseOverrides } from "./cli/dev/config.ts";
import { devControlPlane } from "./cli/dev/controlPlane.ts";
import { runDev, stopOnSignals } from "./cli/dev/runDev.ts";
import type { DevCheck } from "./cli/dev/types.ts";
import { type DevRunOptions, EXIT, processIo, readText, runProgram, type ServeOptions } from "./cli/index.ts";
import { registerProcessMetrics } from "./processMetrics.ts";
import { createPublisher, type PublisherWithInput } from "./publish/index.ts";
import { openStore, type Store } from "./store/index.ts";
import { targets } from "./targets/registry.ts";
import { createXdsServer, type XdsServer } from "./xds/index.ts";

const VERSION = "0.1.0";
/** Sources lie in `src`, the built program in `dist/src`: the project's folder is the nearest with a package.json of ours. */
const ROOT = import.meta.dirname.endsWith(join("dist", "src"))
  ? join(import.meta.dirname, "../..")
  : join(import.meta.dirname, "..");

/** A running control plane. */
interface ControlPlane {
  readonly store: Store;
  readonly publisher: PublisherWithInput;
  readonly xds: XdsServer;
  readonly api: Api;
  readonly httpAddress: string;
  readonly xdsAddress: string;
  close(): Promise<void>;
}

/** One line of JSON on standard error: what went wrong, where. */
function log(event: string, fields: Record<string, unknown>): void {
  process.stderr.write(`${JSON.stringify({ time: new Date().toISOString(), event, ...fields })}\n`);
}

/** Stored state is published before Envoys can connect: a restart never shows them an empty model. */
async function startControlPlane(options: ServeOptions): Promise<ControlPlane> {
  const apiToken = options.apiTokenFile === undefined ? undefined : await readToken(options.apiTokenFile);
  const store = openStore({ dir: options.data, now: () => new Date() });
  try {
    return await startOnStore(store, { ...options, apiToken });
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function startOnStore(
  store: Store,
  options: ServeOptions & { readonly apiToken: string | undefined },
): Promise<ControlPlane> {
  const registry: Registry = new MetricsRegistry();
  const xds = createXdsServer({
    identifier: `trimtab/${VERSION} ${hostname()}`,
    onNack: (nack) => log("nack", { ...nack }),
    onError: (error) => log("xds-error", { error: String(error) }),
  });
  const publisher = createPublisher({
    targets,
    xds,
    onFailure: (fleet, error) =>
      log("publish-failed", { fleet, error: error instanceof Error ? error.stack : String(error) }),
  });
  registerProcessMetrics(registry, xds);
  await publisher.commit(store.head());
  const stopListening = store.onCommit(publisher.commit);
  const api = await createApi({ store, publisher, registry, apiToken: options.apiToken, version: VERSION });
  const close = async (): Promise<void> => {
    stopListening();
    await api.close();
    await xds.close();
    publisher.close();
    await store.close();
  };
  try {
    const httpAddress = await listening(api.listen(options.http), "--http ADDRESS or TRIMTAB_HTTP");
    const xdsAddress = await listening(xds.listen(options.xds), "--xds ADDRESS or TRIMTAB_XDS");
    return { store, publisher, xds, api, httpAddress, xdsAddress, close };
  } catch (error) {
    await api.close();
    await xds.close();
    publisher.close();
    throw error;
  }
}

/** Says how to choose another address when this one cannot be had. */
async function listening(address: Promise<string>, change: string): Promise<string> {
  try {
    return await address;
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)} (${change} changes it)`, {
      cause: error,
    });
  }
}

async function readToken(file: string): Promise<string> {
  const token = (await readText(file)).trim();
  if (token === "") throw new Error(`${file} holds no token`);
  return token;
}

async function serve(options: ServeOptions): Promise<number> {
  const stop = stopOnSignals();
  const plane = await startControlPlane(options);
  process.stdout.write(
    `trimtab ${VERSION}: REST API on http://${plane.httpAddress}, xDS on ${plane.xdsAddress}, revision ${plane.store.head().revision}\n`,
  );
  await new Promise<void>((done) => {
    if (stop.aborted) done();
    else stop.addEventListener("abort", () => done(), { once: true });
  });
  await plane.close();
  return EXIT.ok;
}

const check: DevCheck = (proxy, { files, generation }, binary) =>
  targets[proxy].check({ kind: "files", files, generation }, { binary });

async function dev(options: DevRunOptions): Promise<number> {
  const own = join(resolve(options.data), options.http.replace(/[^0-9A-Za-z.]/g, "-"));
  return runDev({
    file: options.file,
    root: ROOT,
    runDir: join(own, "run"),
    sockets: [
      { socket: options.http, purpose: "the REST API", change: "--http ADDRESS or TRIMTAB_HTTP" },
      { socket: options.xds, purpose: "the xDS server", change: "--xds ADDRESS or TRIMTAB_XDS" },
    ],
    overrides: parseOverrides(options.port, options.bind),
    startPlane: async () => {
      const plane = await startControlPlane({ ...options, data: join(own, "data") });
      return devControlPlane(plane);
    },
    check,
    io: processIo,
    env: process.env,
    stop: stopOnSignals(),
    apiUrl: `http://${options.http}`,
    program: "npm run -s trimtab --",
  });
}

// What it says of its own we say too, in our form.
if (process.env.GRPC_VERBOSITY === undefined) setLogVerbosity(logVerbosity.NONE);
// Who reads our output may stop reading (`trimtab diff | head`): that is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});
process.exitCode = await runProgram(process.argv.slice(2), {
  io: processIo,
  runners: { serve, dev },
  version: VERSION,
});
