/** The running control plane: the only file that constructs everything. `program.ts` loads it when a command needs it. */
import { flushCompileCache } from "node:module";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { Registry as MetricsRegistry, type Registry } from "prom-client";
import { type Api, createApi } from "./api/index.ts";
import type { WatchedFiles } from "./certificateFiles/index.ts";
import { registerCertificateMetrics } from "./certificateMetrics.ts";
import { type DevRunOptions, EXIT, processIo, type ServeOptions } from "./cli/index.ts";
import { devControlPlane, parseOverrides, runDev, stopOnSignals } from "./dev/index.ts";
import { type FleetSources, registerFleetMetrics } from "./fleetMetrics.ts";
import { targetTools } from "./localTargets.ts";
import { createLogger, type Logger } from "./log/index.ts";
import { boundsFor, createScale, DEFAULT_MEMORY } from "./model/index.ts";
import { createPipeline } from "./pipeline/index.ts";
import { openCertificateFiles } from "./planeCertificateFiles.ts";
import { createPlaneLog, type PlaneLog } from "./planeLog.ts";
import { openSecrets } from "./planeSecrets.ts";
import { apiTls, securityFields, securityOf, tellPlaintext, xdsTls } from "./planeTls.ts";
import { type PlaneTokens, readTokens } from "./planeTokens.ts";
import { countPublications, registerProcessMetrics } from "./processMetrics.ts";
import { createPublisher, type ProxyPresence, type PublisherWithInput } from "./publish/index.ts";
import { type Keeper, readSecretKey } from "./secrets/index.ts";
import { openStore, type Store, StoreError } from "./store/index.ts";
import { readBindErrors, readRefusal, typeUrls } from "./targets/envoy/index.ts";
import { loadTargets } from "./targets/registry.ts";
import { setEngineFlags } from "./util/engineFlags.ts";
import { reasonOf } from "./util/reason.ts";
import { TlsFilesError } from "./util/tlsFiles.ts";
import { createXdsServer, systemClock, type XdsServer } from "./xds/index.ts";

/** A running control plane. */
interface ControlPlane {
  readonly store: Store;
  readonly publisher: PublisherWithInput;
  readonly secrets: Keeper;
  readonly xds: XdsServer;
  readonly api: Api;
  readonly logger: Logger;
  readonly apiToken: string | undefined;
  /** Of proxies that run here. */
  readonly noteEvent: PlaneLog["agent"];
  readonly httpAddress: string;
  readonly xdsAddress: string;
  close(): Promise<void>;
}

/** On standard error. */
function openLog({ logFormat, logLevel }: ServeOptions): Logger {
  return createLogger({
    format: logFormat ?? (process.stderr.isTTY ? "text" : "json"),
    level: logLevel,
    write: (line) => process.stderr.write(line),
    clock: systemClock,
  });
}

/** What a control plane is started with. */
interface PlaneOptions extends ServeOptions {
  readonly version: string;
}

/** What is known before anything is opened. */
interface Prepared extends PlaneOptions, PlaneTokens {
  readonly logger: Logger;
  /** Of `secretKeyFile`. */
  readonly secretKey: Uint8Array | undefined;
}

/** What a control plane is made of besides its store. */
interface Equipment extends Prepared {
  readonly lines: PlaneLog;
}

/**
 * Reads the tokens and the key. Before signals are caught: one may come by a pipe, and while nobody writes into it a thread waits that
 * nothing but a signal's own effect ends.
 */
async function prepared(options: PlaneOptions): Promise<Prepared> {
  const logger = openLog(options);
  const { secretKeyFile } = options;
  const secretKey = secretKeyFile === undefined ? undefined : await readSecretKey(secretKeyFile);
  return { ...options, logger, ...(await readTokens(options, logger)), secretKey };
}

/** Stored state is published before Envoys can connect: a restart never shows them an empty model. */
async function startControlPlane(options: Prepared): Promise<ControlPlane> {
  setEngineFlags();
  const lines = createPlaneLog(options.logger, options.apiToken === undefined ? "loopback" : "token");
  const store = openData(options.data, lines);
  try {
    return await startOnStore(store, { ...options, lines });
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Says what to do when the folder cannot be had. */
function openData(dir: string, lines: PlaneLog): Store {
  try {
    return openStore({ dir, now: systemClock.now, onExposed: lines.exposed });
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    const { code, message } = error;
    const remedy =
      code === "STORE-CORRUPT"
        ? `trimtab store check --data ${dir} tells all that is wrong; nothing was changed; restore a backup`
        : "--data DIR or TRIMTAB_DATA names another folder";
    throw new Error(`${code}: ${message} (${remedy})`, { cause: error });
  }
}

async function startOnStore(store: Store, options: Equipment): Promise<ControlPlane> {
  const { version, logger, lines } = options;
  const secrets = await openSecrets(options, store.secrets);
  const registry: Registry = new MetricsRegistry();
  const scale = createScale(boundsFor(options.memoryLimit ?? DEFAULT_MEMORY));
  const xds = createXdsServer({
    identifier: `trimtab/${version} ${hostname()}`,
    onNack: (nack) => {
      lines.nack(nack);
      publisher.listenerStatus.noteRefusal(nack.group, nack.message);
    },
    readRefusal,
    onStream: lines.stream,
    onSecrets: lines.streamSecrets,
    onError: lines.xdsError,
    tls: xdsTls(options),
    insecure: options.xdsInsecure,
    // Whoever reaches an insecure port may pull what he likes: keys are not among it.
    open: options.xdsInsecure ? undefined : secrets.open,
    onRefused: lines.xdsRefused,
    onTlsFiles: lines.tlsFiles,
  });
  const publisher: PublisherWithInput = createPublisher({
    pipeline: createPipeline(await loadTargets(), scale),
    xds,
    refusals: { typeUrl: typeUrls.listener, read: readBindErrors },
    onPublished: countPublications(registry),
    onListener: lines.listener,
    onRemote: lines.remote,
    onFailure: lines.publishFailed,
    onRecovered: lines.publishRecovered,
  });
  registerProcessMetrics(registry, { version, untold: logger.untold, xds });
  registerFleetMetrics(registry, fleetSources(publisher, xds));
  registerCertificateMetrics(registry, () => store.head().snapshot);
  await recallRevisions(store, publisher);
  await publisher.commit(store.head());
  const stopListening = store.onCommit(publisher.commit);
  const { apiToken, metricsToken, agentTokens } = options;
  const tokens = { apiToken, metricsToken, agentTokens };
  const tell = {
    logger: logger.library,
    onWrite: lines.write,
    onTokenRefused: lines.tokenRefused,
    onSecrets: lines.fileSecrets,
  };
  const secured = { ...tokens, tls: apiTls(options, lines) };
  const making = createApi({ store, publisher, secrets, registry, ...secured, version, scale, ...tell });
  const api = await making.catch(async (error: unknown) => {
    await xds.close();
    publisher.close();
    throw error;
  });
  let files: WatchedFiles | null = null;
  const close = async (): Promise<void> => {
    stopListening();
    await files?.close();
    await api.close();
    await xds.close();
    publisher.close();
    await store.close();
    logger.log("info", "stopped", { revision: store.head().revision });
    logger.close();
  };
  try {
    const httpAddress = await listening(api.listen(options.http), "--http ADDRESS or TRIMTAB_HTTP");
    const xdsAddress = await listening(xds.listen(options.xds), "--xds ADDRESS or TRIMTAB_XDS");
    tellPlaintext(options, logger);
    files = openCertificateFiles(options, { api, registry, lines });
    const { revision } = store.head();
    const where = { http: httpAddress, xds: xdsAddress, ...securityFields(options), data: resolve(options.data) };
    logger.log("info", "started", { version, ...where, revision });
    const { agent: noteEvent } = lines;
    return { store, publisher, secrets, xds, api, logger, noteEvent, apiToken, httpAddress, xdsAddress, close };
  } catch (error) {
    await api.close();
    await xds.close();
    publisher.close();
    throw error;
  }
}

function fleetSources({ statuses, failures, localProxies }: PublisherWithInput, xds: XdsServer): FleetSources {
  function* presences(): Generator<ProxyPresence> {
    for (const { group: fleet, nodeId, ackedRevision, refused } of xds.presences())
      yield { fleet, nodeId, acknowledgedRevision: ackedRevision, refused };
    yield* localProxies.presences();
  }
  const { failures: reloadFailures, reloads, runtimeChanges, endpointsDown } = localProxies;
  const counts = { failures, reloadFailures, reloads, runtimeChanges, endpointsDown };
  return { statuses, ...counts, presences, monotonic: systemClock.monotonic };
}

/**
 * Revisions before the newest that the xDS server is shown at the start: a proxy of the state of the world names the version it has,
 * and what that held is known from these. A few: it was away for as long as the server.
 */
const RECALLED_REVISIONS = 4;

async function recallRevisions(store: Store, publisher: PublisherWithInput): Promise<void> {
  const newest = store.head().revision;
  for (let revision = Math.max(1, newest - RECALLED_REVISIONS); revision < newest; revision++) {
    const snapshot = await store.snapshotAt(revision);
    if (snapshot !== null) await publisher.recall({ revision, snapshot });
  }
}

/** Says how to choose another address when this one cannot be had. */
async function listening(address: Promise<string>, change: string): Promise<string> {
  try {
    return await address;
  } catch (error) {
    if (error instanceof TlsFilesError) throw error;
    throw new Error(`${reasonOf(error)} (${change} changes it)`, {
      cause: error,
    });
  }
}

/** `trimtab serve`: runs until a signal; resolves with the exit code. */
export async function serve(options: PlaneOptions): Promise<number> {
  const ready = await prepared(options);
  const stop = stopOnSignals();
  const plane = await startControlPlane(ready);
  const security = securityOf(options);
  const secured = security === "loopback" ? "" : ` (${security})`;
  process.stdout.write(
    `trimtab ${options.version}: REST API on ${options.httpTlsCert === undefined ? "http" : "https"}://${plane.httpAddress}, xDS on ${plane.xdsAddress}${secured}, revision ${plane.store.head().revision}\n`,
  );
  // Whoever ends us with SIGKILL shall not wait the longer for the next start.
  flushCompileCache();
  await new Promise<void>((done) => {
    if (stop.aborted) done();
    else stop.addEventListener("abort", () => done(), { once: true });
  });
  plane.logger.log("info", "stopping");
  await plane.close();
  return EXIT.ok;
}

/** What `dev` is told besides its flags. */
interface DevPlaneOptions extends DevRunOptions {
  readonly version: string;
  /** The project's folder. */
  readonly root: string;
  /** How this program is called. */
  readonly program: string;
}

/** `trimtab dev`: as `serve`, with echo upstreams and proxies. */
export async function dev(options: DevPlaneOptions): Promise<number> {
  const ready = await prepared(options);
  const own = join(resolve(options.data), options.http.replace(/[^0-9A-Za-z.]/g, "-"));
  return runDev({
    file: options.file,
    root: options.root,
    runDir: join(own, "run"),
    sockets: [
      { socket: options.http, purpose: "the REST API", change: "--http ADDRESS or TRIMTAB_HTTP" },
      { socket: options.xds, purpose: "the xDS server", change: "--xds ADDRESS or TRIMTAB_XDS" },
    ],
    overrides: parseOverrides(options.port, options.bind),
    httpsPort: options.https,
    httpsDir: join(own, "https"),
    startPlane: async () => {
      const plane = await startControlPlane({ ...ready, data: join(own, "data") });
      return devControlPlane(plane);
    },
    tools: targetTools,
    io: processIo,
    env: process.env,
    stop: stopOnSignals(),
    apiUrl: `http://${options.http}`,
    program: options.program,
  });
}
