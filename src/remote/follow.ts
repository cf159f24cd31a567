/** One fleet on this machine: its files are fetched, run and reported. */
import {
  type AgentEvent,
  type AgentTiming,
  adapters,
  createLocalProxy,
  type FoundProxy,
  type LocalProxy,
  type LocalReport,
  type TargetTools,
  wholeGeneration,
} from "../agent/index.ts";
import type { ProxyKind } from "../ir/index.ts";
import { reasonOf } from "../util/reason.ts";
import type { Client } from "./client.ts";
import { readLastGood, writeLastGood } from "./lastGood.ts";
import { createNap } from "./nap.ts";
import type { Pauses } from "./pauses.ts";
import { type Reporter, sendLeave, sendReport } from "./report.ts";
import { fetchFiles, Refusal } from "./source.ts";
import type { FleetFiles, FollowEvent } from "./types.ts";

/** From a change of the proxy to its report: what follows at once goes with it. */
const REPORT_SOON_MS = 300;

export interface FollowOptions {
  readonly reporter: Reporter;
  readonly client: Client;
  /** The fleet's own; it is there. */
  readonly folder: string;
  readonly find: (proxy: ProxyKind) => Promise<FoundProxy>;
  readonly tools: TargetTools;
  /** Of the agent; default: its own. */
  readonly timing?: Partial<AgentTiming>;
  readonly pauses: Pauses;
  /** A report is sent this often when nothing happens. */
  readonly reportMs: number;
  readonly tell: (event: FollowEvent) => void;
}

/** What is known of the fleet. */
interface Memory {
  /** The newest that were given. */
  wanted: FleetFiles | null;
  /** Of these. */
  etag: string | null;
  /** The last that were proved to serve. */
  good: FleetFiles | null;
  proxy: { readonly kind: ProxyKind; readonly local: LocalProxy } | null;
  /** Why the wanted files cannot be given to a proxy at all, as one that is not installed; and what was told of that. */
  obstacle: string | null;
  toldObstacle: string | null;
  /** How often a proxy was given files and has not said yet what became of them. */
  trying: number;
  /** Why files cannot be had or a report was not taken, as it was told last; null: both go. */
  away: string | null;
  /** Why the last report was not taken. */
  untold: string | null;
  /** Something happened since the last report, and when that was. */
  changed: boolean;
  reportedAt: number;
  /** Writes of the last good files, one after the other. */
  kept: Promise<void>;
}

type Follower = FollowOptions & { readonly memory: Memory; readonly wake: () => void };

/** Runs until `stop`; then no process is left. Never rejects for what the control plane or the proxy does. */
export async function followFleet(options: FollowOptions, stop: AbortSignal): Promise<void> {
  const nap = createNap(REPORT_SOON_MS);
  const follower: Follower = { ...options, memory: newMemory(), wake: nap.wake };
  const { memory, pauses, reporter, client } = follower;
  await runLastGood(follower);
  while (!stop.aborted) {
    const isWell = await turn(follower, stop);
    await nap.sleep(pauses.after(isWell), stop);
  }
  await memory.proxy?.local.close();
  await memory.kept;
  await sendLeave(client, reporter);
}

function newMemory(): Memory {
  return {
    wanted: null,
    etag: null,
    good: null,
    proxy: null,
    obstacle: null,
    toldObstacle: null,
    trying: 0,
    away: null,
    untold: null,
    changed: false,
    reportedAt: Number.NEGATIVE_INFINITY,
    kept: Promise.resolve(),
  };
}

async function runLastGood(follower: Follower): Promise<void> {
  const { memory, folder, reporter, tell } = follower;
  try {
    memory.good = await readLastGood(folder, reporter.fleet);
  } catch (error) {
    tell({ kind: "kept", reason: `the last good files cannot be read: ${reasonOf(error)}` });
  }
  if (memory.good !== null) await run(follower, memory.good);
}

/** Asks for files, and reports when that is due. False: files were not to be had. */
async function turn(follower: Follower, stop: AbortSignal): Promise<boolean> {
  const { memory, tell } = follower;
  const problem = await problemOf(poll(follower, stop));
  // Where nobody answers, nobody hears a report: then all is news.
  if (problem === null || problem instanceof Refusal) await reportIfDue(follower, stop);
  else memory.changed = true;
  const reason = problem?.message ?? memory.untold;
  if (!stop.aborted && reason !== memory.away) tell(reason === null ? { kind: "back" } : { kind: "away", reason });
  memory.away = reason;
  return problem === null;
}

async function poll(follower: Follower, stop: AbortSignal): Promise<void> {
  const { memory, client, reporter } = follower;
  const fetched = await fetchFiles(client, reporter.fleet, { etag: memory.etag, signal: stop });
  if (fetched.kind === "files") await take(follower, fetched.files, fetched.etag);
  else if (memory.obstacle !== null && memory.trying === 0 && memory.wanted !== null)
    await run(follower, memory.wanted);
}

/** One that is not taken is tried again when the next one is due. */
async function reportIfDue(follower: Follower, stop: AbortSignal): Promise<void> {
  const { memory, client, reporter, reportMs } = follower;
  const isDue = memory.changed || performance.now() - memory.reportedAt >= reportMs;
  const told = isDue ? toldOf(follower) : null;
  if (told === null) return;
  memory.changed = false;
  const problem = await problemOf(sendReport(client, reporter, { told, signal: stop }));
  memory.untold = problem?.message ?? null;
  memory.reportedAt = performance.now();
}

async function problemOf(work: Promise<void>): Promise<Error | null> {
  return work.then(
    () => null,
    (error) => (error instanceof Error ? error : new Error(String(error))),
  );
}

async function take(follower: Follower, files: FleetFiles, etag: string | null): Promise<void> {
  const { memory, tell } = follower;
  const { generation, revision } = files;
  // What is tried already is not tried anew. With other rights the same generation has another ETag, and secrets.
  const isTried = memory.wanted?.generation === generation && memory.etag === etag;
  memory.etag = etag;
  if (memory.wanted !== null && isTried) {
    memory.wanted = { ...memory.wanted, revision };
    return;
  }
  // Envoys follow a control plane that was set back too.
  const isOlder = revision < ((memory.wanted ?? memory.good)?.revision ?? 0);
  tell({ kind: isOlder ? "older" : "fetched", generation, revision });
  memory.wanted = files;
  await run(follower, files);
}

/** Has the proxy run these; does not wait for it. One call at a time, or a fleet would have two proxies. */
async function run(follower: Follower, files: FleetFiles): Promise<void> {
  const local = await proxyFor(follower, files.proxy);
  if (local !== null) void tryFiles(follower, local, files);
}

/** Never rejects. */
async function tryFiles(follower: Follower, local: LocalProxy, files: FleetFiles): Promise<void> {
  const { memory } = follower;
  memory.trying += 1;
  try {
    const { outcome } = await local.apply(files);
    if (outcome === "serving" || outcome === "partial") keep(follower, files);
    memory.obstacle = null;
    memory.toldObstacle = null;
  } catch (error) {
    // Not the proxy's word but ours: a program that is not whole, for instance.
    hinder(follower, reasonOf(error), { kind: "failed", generation: files.generation });
  }
  memory.trying -= 1;
}

/** Notes why there is nothing to run; the same is told once. It is tried again at each poll. */
function hinder(
  { memory, tell }: Follower,
  reason: string,
  what: { readonly kind: "failed"; readonly generation: string } | { readonly kind: "missing" },
): void {
  memory.obstacle = reason;
  memory.changed = true;
  if (reason === memory.toldObstacle) return;
  memory.toldObstacle = reason;
  tell(what.kind === "failed" ? { ...what, error: reason } : { ...what, reason });
}

/** The fleet's proxy; of a fleet that has another kind by now the former one is ended first. Null: it is not installed. */
async function proxyFor(follower: Follower, kind: ProxyKind): Promise<LocalProxy | null> {
  const { memory, find, folder, tools, timing = {} } = follower;
  if (memory.proxy?.kind === kind) return memory.proxy.local;
  const adapter = adapters[kind];
  const program = await find(kind);
  if (adapter.output !== "files" || program.binary === null) {
    const reason = program.binary === null ? program.hint : "it reads no files";
    hinder(follower, `${kind} is missing: ${reason}`, { kind: "missing" });
    return null;
  }
  await memory.proxy?.local.close();
  const onEvent = (event: AgentEvent): void => note(follower, event);
  const local = createLocalProxy({ proxy: kind, adapter, program, runDir: folder, tools, timing, onEvent });
  memory.proxy = { kind, local };
  return local;
}

function note(follower: Follower, event: AgentEvent): void {
  const { memory, tell, wake } = follower;
  tell(event);
  if (event.kind === "line" || event.kind === "logged") return;
  // After tries that failed, nobody waits for the result.
  if (event.kind === "serving" && memory.wanted?.generation === wholeGeneration(event.generation))
    keep(follower, memory.wanted);
  memory.changed = true;
  // While nobody answers, nobody is asked the sooner.
  if (memory.away === null) wake();
}

/** What is proved to serve is what the next start runs. */
function keep({ memory, folder, tell }: Follower, files: FleetFiles): void {
  if (memory.good?.generation === files.generation) return;
  memory.good = files;
  memory.kept = memory.kept
    .then(() => writeLastGood(folder, files))
    .catch((error) => tell({ kind: "kept", reason: `the last good files cannot be written: ${reasonOf(error)}` }));
}

/** Null: there is nothing to report yet. */
function toldOf({ memory }: Follower): { report: LocalReport; revision: number | null } | null {
  const { proxy, obstacle, wanted, good } = memory;
  const report = proxy?.local.report() ?? (obstacle === null || wanted === null ? null : absent(wanted));
  if (report === null) return null;
  const served = report.generation === null ? null : wholeGeneration(report.generation);
  const { revision = null } = [wanted, good].find((files) => files?.generation === served) ?? {};
  if (obstacle === null) return { report, revision };
  return { report: { ...report, state: served === null ? "failed" : "degraded", lastError: obstacle }, revision };
}

/** Of a proxy that is not installed. */
function absent({ proxy }: FleetFiles): LocalReport {
  return {
    proxy,
    version: "not installed",
    state: "failed",
    generation: null,
    lastError: null,
    failures: 0,
    since: new Date().toISOString(),
    applied: null,
    reloads: 0,
    runtimeChanges: 0,
    leaving: { processes: 0, endpoints: [] },
    listeners: [],
    endpointsDown: null,
  };
}
