/**
 * `trimtab dev FILE`: the control plane, echo upstreams, and one real proxy per fleet, until Ctrl-C.
 *
 * Input: a configuration file, a control plane to start, the proxies on this machine. Output: running proxies and a short
 * report on the terminal. Guarantees: nothing is started while a socket of the control plane or of an echo upstream is taken, and of
 * proxies a taken one holds up its listener only; edits of the file are checked, then applied live, and a bad edit changes nothing;
 * when it resolves, every child has ended.
 */
import { readdir } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { type FoundProxy, findProxy, killLeftovers, type TargetTools } from "../agent/index.ts";
import { EXIT, type Io, problemLine } from "../cli/output.ts";
import { readText } from "../cli/readText.ts";
import type { ProxyKind } from "../ir/index.ts";
import { PROXY_KINDS } from "../targets/registry.ts";
import { reasonOf } from "../util/reason.ts";
import { type Children, createChildren, fleetRunDir } from "./children.ts";
import { type DevConfig, type Overrides, overrideConfig, readDevConfig, unusedOverrides } from "./config.ts";
import { createEchoes } from "./echo.ts";
import { createHttps, type Https, type HttpsOptions, withHttps } from "./https.ts";
import { nackLines } from "./nacks.ts";
import { overwrittenLines } from "./overwritten.ts";
import { busyLines, configSockets, type WantedSocket } from "./ports.ts";
import { proxyTable, tryCommands } from "./table.ts";
import type { DevControlPlane } from "./types.ts";
import { watchFile } from "./watch.ts";

export interface DevOptions {
  readonly file: string;
  /** The project's folder: Envoy is looked for in its `.trimtab/bin`. */
  readonly root: string;
  /** The proxies' folder, absolute. One per REST address: whoever holds that socket owns the folder. */
  readonly runDir: string;
  /** The control plane's own sockets (REST, xDS). */
  readonly sockets: readonly WantedSocket[];
  readonly overrides: Overrides;
  /** Where a host inside TLS is shown beside what the file has; undefined: nowhere. */
  readonly httpsPort: number | undefined;
  /** For the authority that issues its certificate; absolute, one per REST address. */
  readonly httpsDir: string;
  /** Opens `sockets`. Called once, when all of them were free. */
  readonly startPlane: () => Promise<DevControlPlane>;
  readonly tools: TargetTools;
  readonly io: Io;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted: end. See `stopOnSignals`. */
  readonly stop: AbortSignal;
  readonly apiUrl: string;
  readonly program: string;
}

/** Envoy is ready half a second after its first configuration; a slow machine gets more. */
const READY_MS = 20_000;
const READY_POLL_MS = 50;

/** Everything that has to be ended, and what edits are applied to. */
interface Session {
  readonly options: DevOptions;
  readonly plane: DevControlPlane;
  readonly children: Children;
  readonly found: ReadonlyMap<ProxyKind, FoundProxy>;
  readonly echoes: ReturnType<typeof createEchoes>;
  readonly https: Https | null;
  /** The text that was applied last, by this run. */
  applied: string | null;
  /** Of edits, still to be printed. */
  reports: Promise<unknown>;
}

/** Resolves with the exit code when all has ended. */
export async function runDev(options: DevOptions): Promise<number> {
  const { io, runDir } = options;
  const written = await readText(options.file);
  const text = overrideConfig(written, options.overrides);
  const config = withHttps(readDevConfig(text), options.httpsPort);
  const unused = unusedOverrides(written, options.overrides);
  if (unused.length > 0) {
    return refuse(io, unused);
  }
  const found = await findProxies(options, config);
  const installed = PROXY_KINDS.filter((kind) => found.get(kind)?.binary);
  const present = new Set(config.listeners.filter(({ proxy }) => installed.includes(proxy)).map(({ fleet }) => fleet));
  const wanted = configSockets(config, present, options.overrides.ports);

  if ((await busyLines(options.sockets)).length > 0) {
    return refuse(io, await busyLines([...options.sockets, ...wanted]));
  }
  const plane = await options.startPlane();
  const echoes = createEchoes();
  const children = createChildren({
    plane,
    found,
    runDir,
    tools: options.tools,
    say: (line) => io.out(`${line}\n`),
  });
  try {
    // The control plane's sockets are ours now, so whatever still runs in our folder was left by a killed run.
    for (const fleet of await readdir(runDir).catch(() => [])) {
      await killLeftovers(fleetRunDir(runDir, fleet));
    }
    const busy = await busyLines(wanted.filter(({ canWait }) => !canWait));
    if (busy.length > 0) {
      return refuse(io, busy);
    }
    complain(io, await busyLines(wanted.filter(({ canWait }) => canWait)));
    const { httpsPort: port, httpsDir: folder } = options;
    const https = port === undefined ? null : await httpsOrWhyNot(io, { port, folder });
    const session = { options, plane, children, found, echoes, https, applied: null, reports: Promise.resolve() };
    if (!(await apply(session, text))) {
      return EXIT.failed;
    }
    await awaitReady(children, options.stop);
    if (!options.stop.aborted) {
      printOverview(session, https === null ? readDevConfig(text) : config);
      await followFile(session, written);
      io.out("Stopping.\n");
      await children.close();
      await session.reports;
    }
    return EXIT.ok;
  } finally {
    await children.close();
    await Promise.all([echoes.close(), plane.close()]);
  }
}

/** Null, and told why: the rest runs without it. */
function httpsOrWhyNot(io: Io, options: HttpsOptions): Promise<Https | null> {
  return createHttps(options).catch((error: unknown) => {
    complain(io, [`no host inside TLS is shown: ${reasonOf(error)}`]);
    return null;
  });
}

async function findProxies(options: DevOptions, config: DevConfig): Promise<ReadonlyMap<ProxyKind, FoundProxy>> {
  // All kinds, for an edit can add a fleet of a kind that the file does not have yet.
  const found = await Promise.all(PROXY_KINDS.map((kind) => findProxy(kind, options)));
  const needed = new Set(config.listeners.map(({ proxy }) => proxy));
  if (found.every(({ kind, binary }) => binary === null || !needed.has(kind))) {
    options.io.err("None of the proxies that this configuration needs is installed; only the control plane runs.\n");
  }
  return new Map(found.map((proxy) => [proxy.kind, proxy]));
}

function complain(io: Io, lines: readonly string[]): void {
  io.err(lines.map((line) => `${line}\n`).join(""));
}

function refuse(io: Io, lines: readonly string[]): number {
  complain(io, lines);
  return EXIT.failed;
}

/** Makes `text` the configuration, then brings upstreams and proxies in step. False: refused, nothing changed. */
async function apply(session: Session, text: string): Promise<boolean> {
  const { options, plane, echoes, children, https } = session;
  const more = https?.resources(readDevConfig(text)) ?? {};
  const { ok, problems, changed } = await plane.applyConfig(text, options.file, more);
  options.io.err(problems.map((problem) => problemLine({ ...problem, file: problem.file || options.file })).join(""));
  if (ok) {
    const ours = new Set(Object.entries(more).flatMap(([list, all]) => all.map(({ name }) => `${list}/${name}`)));
    const others = changed.filter(({ resource }) => !ours.has(resource));
    const undone = overwrittenLines(others, { before: session.applied, after: text });
    options.io.out(undone.map((line) => `${line}\n`).join(""));
    session.applied = text;
    complain(options.io, await echoes.sync(readDevConfig(text).echoes));
    await children.sync();
  }
  return ok;
}

async function awaitReady(children: Children, stop: AbortSignal): Promise<void> {
  const deadline = performance.now() + READY_MS;
  const unsettled = (): boolean =>
    children.rows().some(({ state }) => state?.state === "starting" || state?.state === "stopped");
  while (unsettled() && !stop.aborted && performance.now() < deadline) {
    await sleep(READY_POLL_MS);
  }
}

function printOverview({ options, children, found, https }: Session, config: DevConfig): void {
  const rows = children.rows();
  const running = new Set(rows.filter(({ state }) => state !== null).map(({ fleet }) => fleet.name));
  const commands = tryCommands({ ...options, config, running, authority: https?.authorityFile ?? null });
  options.io.out(`\n${proxyTable(rows, { config, found })}\n`);
  options.io.out(`Try:\n${commands.map((command) => `  ${command}\n`).join("")}\n`);
  options.io.out(`Watching ${options.file}. Ctrl-C ends everything.\n`);
}

/** Applies edits, one after the other, and follows the fleets that others write, until it is time to stop. */
async function followFile(session: Session, known: string): Promise<void> {
  const { options, plane, children, https } = session;
  const { file, io, stop } = options;
  let work: Promise<void> = Promise.resolve();
  const fail = (error: Error): void => io.err(`${file}: ${error.message}\n`);
  const edit = async (written: string): Promise<void> => {
    const text = overrideConfig(written, options.overrides);
    if (await apply(session, text)) {
      complain(io, unusedOverrides(written, options.overrides));
      // Proxies take seconds; the next edit does not wait for them.
      session.reports = Promise.all([session.reports, reportEdit(session, text).catch(fail)]);
    } else {
      io.out(`${file}: refused, the last good configuration stays\n`);
    }
  };
  const watcher = watchFile({
    file,
    known,
    onChange: (written) => {
      work = work.then(() => edit(written)).catch(fail);
    },
    onTrouble: (reason) => io.err(`${reason}; the last good configuration stays\n`),
  });
  const renewed = https?.onRenewed(() => {
    const { applied } = session;
    if (applied !== null) work = work.then(async () => void (await apply(session, applied))).catch(fail);
  }, fail);
  const follow = (): void => void children.sync().catch(fail);
  const unsubscribe = plane.onCommit(follow);
  follow();
  if (!stop.aborted) {
    await new Promise((resolve) => stop.addEventListener("abort", resolve, { once: true }));
  }
  watcher.close();
  renewed?.();
  unsubscribe();
  await work;
}

/** Says that every proxy runs the edit, or which does not; nothing when there is a newer edit by then. */
async function reportEdit(session: Session, text: string): Promise<void> {
  const { options, plane, children } = session;
  const { file, io, stop } = options;
  const lines = [...(await children.settle()), ...(await nackLines(plane, stop))];
  if (session.applied !== text || stop.aborted) {
    return;
  }
  io.out(lines.length === 0 ? `${file}: applied\n` : `${file}: stored, but not every proxy runs it\n`);
  complain(io, lines);
}
