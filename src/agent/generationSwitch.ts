/** Switches a proxy to a generation, back to the last good one, and sees to that one after a restart. */
import { setTimeout as sleep } from "node:timers/promises";
import { haveSecrets, type OpenSecret, openedFiles, pathsOfSecrets } from "../secrets/index.ts";
import type { Socket } from "../targets/target.ts";
import { type Arrangement, arrange } from "./arrange.ts";
import { currentGeneration, isWritten, pointCurrent, writeGeneration } from "./generations.ts";
import { type Memory, nowServes } from "./memory.ts";
import type { ProbedEndpoints } from "./probedEndpoints.ts";
import { prove } from "./prove.ts";
import type { RetryPauses } from "./retry.ts";
import type { Supervisor } from "./supervisor.ts";
import type {
  AgentEvent,
  AgentFiles,
  Backoff,
  Check,
  FileProxy,
  FindRuntimeChange,
  ListenerState,
  MakeRebound,
} from "./types.ts";

/** How long an agent waits for what. */
export interface AgentTiming {
  /** From a reload to the next apply: reloads closer together reset keep-alive connections (nginx) and lose sockets (HAProxy). */
  readonly gapMs: number;
  /** How long a new generation may take to answer. */
  readonly proofMs: number;
  /** How long a stopping proxy may finish what runs before it is killed. */
  readonly graceMs: number;
  readonly backoff: Backoff;
  /** Between two tries of what could not be applied. */
  readonly retry: RetryPauses;
}

/** What the parts of one agent share. */
export interface Agent {
  readonly proxy: FileProxy;
  readonly check: (files: AgentFiles) => Promise<Check>;
  /** Secrets, as they are written. */
  readonly open: OpenSecret;
  readonly rebound: MakeRebound;
  readonly runtimeChange: FindRuntimeChange;
  readonly endpoints: ProbedEndpoints;
  readonly timing: AgentTiming;
  readonly tell: (event: AgentEvent) => void;
  /** Tells what of `memory` changed for listeners. */
  readonly tellListeners: () => void;
  readonly listeners: () => readonly ListenerState[];
  readonly supervisor: Supervisor;
  readonly memory: Memory;
}

/**
 * So often is looked anew at what sockets can be had: when one was taken since the last look, and after a former address of the proxy's
 * own was given up. Whoever takes one port after the other holds up one apply no longer.
 */
const MAX_LOOKS = 4;

/** Work that is about to touch the process: starts and proofs of the supervisor's keep out of its way. */
export async function switching<Result>(agent: Agent, work: () => Promise<Result>): Promise<Result> {
  const { memory, supervisor } = agent;
  memory.applying = true;
  try {
    return await work();
  } finally {
    memory.applying = false;
    if (memory.serving === null && supervisor.pid() !== null) {
      void proveRestart(agent);
    }
  }
}

/** Switches to what can be run of these files. Null, or why that does not answer. */
export async function switchToArranged(agent: Agent, whole: AgentFiles): Promise<string | null> {
  const { memory } = agent;
  const former = memory.good?.files.sockets ?? [];
  let next = await look(agent, whole, former);
  for (let looks = 1; ; looks += 1) {
    await write(agent, next.files);
    // That took a while. On a socket that it cannot bind a proxy tries for seconds, and HAProxy silences its listeners meanwhile.
    const written = next;
    next = await look(agent, whole, former);
    if (next.files.generation !== written.files.generation && looks < MAX_LOOKS) {
      continue;
    }
    const error = await switchPatiently(agent, written);
    if (looks >= MAX_LOOKS || memory.closed || (error === null && !written.isClosing)) {
      return error;
    }
    next = await look(agent, whole, former);
    if (next.files.generation === written.files.generation) {
      return error;
    }
  }
}

/** What of these files can be run now. `former`: where listeners were. */
export async function look(agent: Agent, whole: AgentFiles, former: readonly Socket[]): Promise<Arrangement> {
  const { memory, proxy, supervisor, rebound, endpoints } = agent;
  // A process that runs has what was proved last, or it was started with it.
  const own = supervisor.pid() === null ? [] : (memory.good?.files.sockets ?? []);
  return endpoints.arranged(await arrange(whole, { own, former, bindsBesideOwn: proxy.bindsBesideOwn }, rebound));
}

/**
 * As `switchTo`, with a second try when a proxy that served died meanwhile: somebody may have killed it, which says nothing
 * about the new generation. One that kills its proxy does so twice.
 */
async function switchPatiently(agent: Agent, next: Arrangement): Promise<string | null> {
  const { memory, supervisor } = agent;
  const served = memory.serving !== null;
  const deaths = supervisor.deaths();
  const error = await switchTo(agent, next);
  const killed = error !== null && served && supervisor.deaths() !== deaths && !memory.closed;
  return killed ? switchTo(agent, next) : error;
}

/** Null, or why the generation does not answer. */
async function switchTo(agent: Agent, next: Arrangement): Promise<string | null> {
  const { memory, proxy, supervisor } = agent;
  const { generation } = next.files;
  // Its run folder was removed under the running proxy, and with it the socket on which it tells its generation.
  const isLost = memory.good !== null && !(await isWritten(proxy.runDir, memory.good.files));
  if (isLost && next === memory.good) {
    await write(agent, next.files);
  }
  await pointCurrent(proxy.runDir, generation);
  const deaths = supervisor.deaths();
  const runs = memory.serving !== null && !isLost;
  if (runs && (await changeRunning(agent, next))) {
    return null;
  }
  memory.loaded = null;
  memory.reloadRefused = false;
  const reloads = runs && supervisor.signal(proxy.reloadSignal);
  if (reloads) {
    memory.reloads += 1;
    supervisor.forgetOutput();
  } else if (!memory.closed) {
    // A process that has not answered yet may not have its signal handlers yet: SIGHUP would kill it. It serves nobody.
    await supervisor.stop("SIGTERM", agent.timing.graceMs);
    // nginx complains in the same words when it ends without the socket file that it made.
    memory.reloadRefused = false;
    await supervisor.start();
  }
  const hopeless = (): string | null => {
    if (supervisor.deaths() !== deaths) {
      return memory.deathError ?? `${proxy.name} died`;
    }
    return memory.reloadRefused ? `${proxy.name} refused the reload${printed(supervisor)}` : null;
  };
  const error = await proveNow(agent, generation, { hopeless, reloads });
  if (error === null) {
    nowServes(memory, next, reloads ? "reload" : "start");
  }
  return error;
}

/**
 * In the running process, when its files and the next differ in nothing else. False: it has to be reloaded. Whatever became of the change,
 * those are the files of a reload.
 */
async function changeRunning({ proxy, memory, open, runtimeChange }: Agent, next: Arrangement): Promise<boolean> {
  const { loaded } = memory;
  // Not known is also what it has of a change that was cut short.
  memory.loaded = null;
  memory.runtimeError = null;
  if (proxy.change === null || loaded === null) {
    return false;
  }
  const change = await runtimeChange(loaded, next.files);
  if (change === null) {
    return false;
  }
  const opened = { ...change, certificates: openedFiles(change.certificates, open) };
  memory.runtimeError = await proxy.change(opened, next.files.generation);
  if (memory.runtimeError !== null) {
    return false;
  }
  memory.runtimeChanges += 1;
  memory.needsGap = false;
  nowServes(memory, next, "runtime");
  return true;
}

/** After a failed switch. Null when the last good generation answers again, or there never was one. */
export async function goBack(agent: Agent): Promise<string | null> {
  const { memory, proxy, supervisor } = agent;
  if (memory.good === null) {
    await pointCurrent(proxy.runDir, null);
    await supervisor.stop("SIGTERM", agent.timing.graceMs);
    return null;
  }
  if (supervisor.pid() === null) {
    await restoreGood(agent);
  }
  const error = await switchTo(agent, memory.good);
  if (error !== null) {
    memory.serving = null;
  }
  return error;
}

/**
 * Before a restart by the supervisor: of the last good generation stands there, and is `current`, what can be run now, whatever became
 * of the folder and of the sockets.
 */
export async function restoreGood(agent: Agent): Promise<void> {
  const { proxy, memory, rebound, endpoints } = agent;
  const { good } = memory;
  if (good === null) {
    return;
  }
  const sockets = { own: [], former: good.files.sockets, bindsBesideOwn: proxy.bindsBesideOwn };
  const next = await endpoints.arranged(await arrange(good.whole, sockets, rebound));
  const { files } = next;
  memory.good = next;
  if (!(await isWritten(proxy.runDir, files))) {
    await write(agent, files);
  }
  if ((await currentGeneration(proxy.runDir)) !== files.generation) {
    await pointCurrent(proxy.runDir, files.generation);
  }
}

/** Puts a generation on disk, with what the agent adds. */
async function write({ proxy, open, tell }: Agent, { generation, files }: AgentFiles): Promise<void> {
  if (haveSecrets(files)) tell({ kind: "secrets", generation, files: pathsOfSecrets(files) });
  const opened = { generation, files: openedFiles(files, open) };
  await writeGeneration(proxy.runDir, opened, await proxy.localFiles(generation));
}

/**
 * After a restart by the supervisor: what `current` names is the last good generation. Asks until it answers; that it does not
 * is told once.
 */
export async function proveRestart(agent: Agent): Promise<void> {
  const { memory, supervisor, timing } = agent;
  memory.proving += 1;
  const { good, proving } = memory;
  if (good === null) {
    return;
  }
  const { generation } = good.files;
  const deaths = supervisor.deaths();
  const isOver = (): boolean =>
    memory.closed || memory.applying || memory.proving !== proving || supervisor.deaths() !== deaths;
  const hopeless = (): string | null => (isOver() ? "it is over" : null);
  for (let asked = 0; ; asked += 1) {
    const error = await proveNow(agent, generation, { hopeless, reloads: false }).catch(String);
    if (isOver()) {
      return;
    }
    if (error === null) {
      nowServes(memory, good, "start");
      memory.deathError = null;
      agent.tell({ kind: "serving", generation: good.told, applied: "start" });
      agent.tellListeners();
      return;
    }
    memory.deathError = `${agent.proxy.name} runs again, but ${error}${printed(supervisor)}`;
    if (asked === 0) {
      agent.tell({ kind: "failed", generation: good.told, error: memory.deathError });
    }
    await sleep(timing.backoff.maxMs, undefined, { ref: false });
  }
}

interface Proving {
  /** Why to give up before the time is over, or null. */
  readonly hopeless: () => string | null;
  /** By a signal, to a process that served; else it starts, and the signal, for which it has no handler yet, would end it. */
  readonly reloads: boolean;
}

function proveNow(agent: Agent, generation: string, { hopeless, reloads }: Proving): Promise<string | null> {
  const { proxy, memory, supervisor, timing } = agent;
  const afterMs = reloads ? proxy.resendAfterMs : null;
  return prove({
    generation,
    timeoutMs: timing.proofMs,
    settleMs: proxy.settleMs,
    ask: proxy.runningGeneration,
    hopeless: () => (memory.closed ? "the agent was closed" : hopeless()),
    resend: afterMs === null ? null : { afterMs, send: () => void supervisor.signal(proxy.reloadSignal) },
  });
}

/** The last words of the proxy, to be put behind a reason. */
export function printed(supervisor: Supervisor): string {
  const text = supervisor.output();
  return text === "" ? "" : `:\n${text}`;
}
