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
import { fetchFiles } from "./source.ts";
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
  /** Why there is none. */
  missing: string | null;
  /** Why the control plane is not heard; null: it is. */
  away: string | null;
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
    missing: null,
    away: null,
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

/** Asks for files, and reports when that is due. False: one of both did not go. */
async function turn(follower: Follower, stop: AbortSignal): Promise<boolean> {
  const { memory, client, reporter, reportMs, tell } = follower;
  try {
    const fetched = await fetchFiles(client, reporter.fleet, { etag: memory.etag, signal: stop });
    if (fetched.kind === "files") await take(follower, fetched.files, fetched.etag);
    else if (memory.missing !== null && memory.wanted !== null) await run(follower, memory.wanted);
    const isDue = memory.changed || performance.now() - memory.reportedAt >= reportMs;
    const told = isDue ? toldOf(follower) : null;
    if (told !== null) {
      memory.changed = false;
      await sendReport(client, reporter, { told, signal: stop });
      memory.reportedAt = performance.now();
    }
    if (memory.away !== null) tell({ kind: "back" });
    memory.away = null;
    return true;
  } catch (error) {
    const reason = reasonOf(error);
    // A report that was not taken is due again.
    memory.changed = true;
    if (!stop.aborted && reason !== memory.away) tell({ kind: "away", reason });
    memory.away = reason;
    return false;
  }
}

async function take(follower: Follower, files: FleetFiles, etag: string | null): Promise<void> {
  const { memory, tell } = follower;
  const { generation, revision } = files;
  memory.etag = etag;
  // What is tried already is not tried anew.
  if (memory.wanted?.generation === generation) {
    memory.wanted = { ...memory.wanted, revision };
    return;
  }
  // Envoys follow a control plane that was set back too.
  const isOlder = revision < ((memory.wanted ?? memory.good)?.revision ?? 0);
  tell({ kind: isOlder ? "older" : "fetched", generation, revision });
  memory.wanted = files;
  await run(follower, files);
}

/** Has the proxy run these; does not wait for it. */
async function run(follower: Follower, files: FleetFiles): Promise<void> {
  const { tell } = follower;
  const local = await proxyFor(follower, files.proxy);
  const done = local?.apply(files).then(({ outcome }) => {
    if (outcome === "serving" || outcome === "partial") keep(follower, files);
  });
  done?.catch((error: Error) => tell({ kind: "kept", reason: reasonOf(error) }));
}

/** The fleet's proxy; of a fleet that has another kind by now the former one is ended first. Null: it is not installed. */
async function proxyFor(follower: Follower, kind: ProxyKind): Promise<LocalProxy | null> {
  const { memory, find, folder, tools, timing = {}, tell } = follower;
  if (memory.proxy?.kind === kind) return memory.proxy.local;
  const adapter = adapters[kind];
  const program = await find(kind);
  if (adapter.output !== "files" || program.binary === null) {
    const reason = `${kind} is missing: ${program.binary === null ? program.hint : "it reads no files"}`;
    if (reason !== memory.missing) tell({ kind: "missing", reason });
    memory.missing = reason;
    return null;
  }
  memory.missing = null;
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
  const { proxy, missing, wanted, good } = memory;
  const report = proxy?.local.report() ?? (missing === null || wanted === null ? null : absent(wanted, missing));
  if (report === null) return null;
  const served = report.generation === null ? null : wholeGeneration(report.generation);
  const { revision = null } = [wanted, good].find((files) => files?.generation === served) ?? {};
  const isAnother = proxy !== null && missing !== null;
  return { report: isAnother ? { ...report, state: "degraded", lastError: missing } : report, revision };
}

function absent({ proxy }: FleetFiles, lastError: string): LocalReport {
  return {
    proxy,
    version: "not installed",
    state: "failed",
    generation: null,
    lastError,
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
