/** Applies generations of files to one local proxy, one at a time, and keeps the last good one running. */
import { mkdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { busySockets, freshSockets } from "./busySockets.ts";
import { currentGeneration, isWritten, pointCurrent, pruneGenerations, writeGeneration } from "./generations.ts";
import { createLatest } from "./latest.ts";
import { prove } from "./prove.ts";
import { createRetry, type RetryPauses } from "./retry.ts";
import { type Backoff, createSupervisor, DEFAULT_BACKOFF, type Supervisor } from "./supervisor.ts";
import type { AgentEvent, AgentFiles, AgentState, ApplyResult, Check, FileProxy } from "./types.ts";

export interface AgentTiming {
  /** Between two applies: reloads closer together reset keep-alive connections (nginx) and lose sockets (HAProxy). */
  readonly gapMs: number;
  /** How long a new generation may take to answer. */
  readonly proofMs: number;
  /** How long a stopping proxy may finish what runs before it is killed. */
  readonly graceMs: number;
  readonly backoff: Backoff;
  /** Between two tries of what could not be applied. */
  readonly retry: RetryPauses;
}

/** Milliseconds; `FileAgentOptions.timing` overrides single ones. */
export const DEFAULT_TIMING: AgentTiming = {
  // Measured: with 2 s between reloads HAProxy loses no keep-alive request, with 0.6 s up to 128.
  gapMs: 2_000,
  // HAProxy needs 0.5 s for 2000 backends, and nginx 2.5 s to give up on a port that is taken.
  proofMs: 15_000,
  graceMs: 5_000,
  backoff: DEFAULT_BACKOFF,
  // A try that fails while nginx reloads gives its workers up twice, which ends idle keep-alive connections.
  retry: { firstMs: 1_000, maxMs: 30_000 },
};

export interface FileAgentOptions {
  readonly proxy: FileProxy;
  /** The proxy's own checker; must end by itself. */
  readonly check: (files: AgentFiles) => Promise<Check>;
  readonly timing?: Partial<AgentTiming>;
  readonly onEvent?: (event: AgentEvent) => void;
}

export interface FileAgent {
  /**
   * Makes the proxy run these files. What failed is tried again, with growing pauses, until it serves or other files come;
   * `state` and events tell how that goes (the same error is told once). Rejects only for programmer errors (bad names).
   */
  apply(files: AgentFiles): Promise<ApplyResult>;
  state(): AgentState;
  /** Ends the proxy and all its workers; what waits or runs is `superseded`. */
  close(): Promise<void>;
}

/** What the parts of one agent share. */
interface Agent {
  readonly proxy: FileProxy;
  readonly check: (files: AgentFiles) => Promise<Check>;
  readonly timing: AgentTiming;
  readonly tell: (event: AgentEvent) => void;
  readonly supervisor: Supervisor;
  readonly memory: Memory;
}

interface Memory {
  /** Proved, and its process lives. */
  serving: string | null;
  /** Proved once: what a failed apply goes back to. */
  good: AgentFiles | null;
  /** The sockets of `good`, as far as `proxy.sockets` tells them. */
  sockets: readonly string[];
  applyError: string | null;
  /** What `applyError` is about. */
  failed: string | null;
  deathError: string | null;
  applying: boolean;
  /** Which run of `proveRestart` is the newest: older ones end. */
  proving: number;
  closed: boolean;
  /** The proxy printed that it refused the reload under way. */
  reloadRefused: boolean;
}

/** Creates `proxy.runDir`; starts nothing before the first `apply`. */
export function createFileAgent(options: FileAgentOptions): FileAgent {
  const { proxy, check } = options;
  const timing = { ...DEFAULT_TIMING, ...options.timing };
  mkdirSync(proxy.runDir, { recursive: true, mode: 0o755 });
  const memory: Memory = {
    serving: null,
    good: null,
    sockets: [],
    applyError: null,
    failed: null,
    deathError: null,
    applying: false,
    proving: 0,
    closed: false,
    reloadRefused: false,
  };
  const tell = options.onEvent ?? (() => undefined);
  const supervisor = createSupervisor({
    command: proxy.command,
    runDir: proxy.runDir,
    backoff: timing.backoff,
    beforeStart: async () => {
      await (memory.applying ? undefined : restoreGood(agent));
      await proxy.beforeStart();
    },
    onStart: (pid) => {
      tell({ kind: "started", pid });
      if (!memory.applying) {
        void proveRestart(agent);
      }
    },
    onDeath: (reason, restartInMs) => {
      memory.serving = null;
      memory.deathError = `${proxy.name} ${reason}${printed(supervisor)}`;
      tell({ kind: "died", reason: memory.deathError, restartInMs });
    },
    onLine: (line) => {
      memory.reloadRefused ||= proxy.saysReloadFailed(line);
      tell({ kind: "line", line });
    },
  });
  const agent: Agent = { proxy, check, timing, tell, supervisor, memory };
  const queue = createLatest({ gapMs: timing.gapMs, skipped: superseded, work: (files) => applyOnDisk(agent, files) });
  const retry = createRetry(queue.push, timing.retry);
  return {
    apply: retry.apply,
    state: () => stateOf(memory),
    close: async () => {
      memory.closed = true;
      retry.close();
      await supervisor.stop(proxy.stopSignal, timing.graceMs);
      await queue.close();
      // A start that was on its way while we stopped.
      await supervisor.stop(proxy.stopSignal, timing.graceMs);
    },
  };
}

/** As `applyOne`; what the file system refuses (no room, for instance) is a failure like any other. */
async function applyOnDisk(agent: Agent, files: AgentFiles): Promise<ApplyResult> {
  try {
    return await applyOne(agent, files);
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error)) {
      throw error;
    }
    return agent.memory.closed ? superseded(files) : failed(agent, files, { error: error.message, restore: null });
  }
}

async function applyOne(agent: Agent, files: AgentFiles): Promise<ApplyResult> {
  const { memory, proxy, supervisor } = agent;
  const { generation } = files;
  if (generation === memory.serving) {
    return stateOf(memory).state === "serving" ? { outcome: "serving", generation } : succeeded(agent, generation);
  }
  const verdict = await agent.check(files);
  const sockets = proxy.sockets(files);
  const busy = await busySockets(freshSockets(sockets, memory.sockets));
  if (memory.closed) {
    return superseded(files);
  }
  if (!verdict.ok) {
    return failed(agent, files, {
      error: `${proxy.name} refuses the configuration: ${verdict.message}`,
      restore: null,
    });
  }
  if (busy.length > 0) {
    const list = busy.map(({ socket, error }) => `${socket}: ${error}`).join(", ");
    return failed(agent, files, { error: `${proxy.name} could not listen: ${list}`, restore: null });
  }
  await write(proxy, files);
  memory.applying = true;
  try {
    const error = await switchPatiently(agent, files);
    const restore = error === null || memory.closed ? null : await goBack(agent);
    if (memory.closed) {
      return superseded(files);
    }
    if (error !== null) {
      return failed(agent, files, { error, restore });
    }
    memory.sockets = sockets;
    await pruneGenerations(proxy.runDir, generation);
    return succeeded(agent, generation);
  } finally {
    memory.applying = false;
    if (memory.serving === null && supervisor.pid() !== null) {
      void proveRestart(agent);
    }
  }
}

/**
 * As `switchTo`, with a second try when a proxy that served died meanwhile: somebody may have killed it, which says nothing
 * about the new generation. One that kills its proxy does so twice.
 */
async function switchPatiently(agent: Agent, files: AgentFiles): Promise<string | null> {
  const { memory, supervisor } = agent;
  const served = memory.serving !== null;
  const deaths = supervisor.deaths();
  const error = await switchTo(agent, files);
  const killed = error !== null && served && supervisor.deaths() !== deaths && !memory.closed;
  return killed ? switchTo(agent, files) : error;
}

/** Null, or why the generation does not answer. */
async function switchTo(agent: Agent, files: AgentFiles): Promise<string | null> {
  const { memory, proxy, supervisor } = agent;
  const { generation } = files;
  // Its run folder was removed under the running proxy, and with it the socket on which it tells its generation.
  const isLost = memory.good !== null && !(await isWritten(proxy.runDir, memory.good));
  if (isLost && files === memory.good) {
    await write(proxy, files);
  }
  await pointCurrent(proxy.runDir, generation);
  const deaths = supervisor.deaths();
  memory.reloadRefused = false;
  if (memory.serving !== null && !isLost && supervisor.signal(proxy.reloadSignal)) {
    supervisor.forgetOutput();
  } else if (!memory.closed) {
    // A process that has not answered yet may not have its signal handlers yet: SIGHUP would kill it. It serves nobody.
    await supervisor.stop("SIGTERM", agent.timing.graceMs);
    // nginx complains in the same words when it ends without the socket file that it made.
    memory.reloadRefused = false;
    await supervisor.start();
  }
  const error = await proveNow(agent, generation, () => {
    if (supervisor.deaths() !== deaths) {
      return memory.deathError ?? `${proxy.name} died`;
    }
    return memory.reloadRefused ? `${proxy.name} refused the reload${printed(supervisor)}` : null;
  });
  if (error === null) {
    memory.serving = generation;
    memory.good = files;
  }
  return error;
}

/** After a failed switch. Null when the last good generation answers again, or there never was one. */
async function goBack(agent: Agent): Promise<string | null> {
  const { memory, proxy, supervisor } = agent;
  if (memory.good === null) {
    await pointCurrent(proxy.runDir, null);
    await supervisor.stop("SIGTERM", agent.timing.graceMs);
    return null;
  }
  const error = await switchTo(agent, memory.good);
  if (error !== null) {
    memory.serving = null;
  }
  return error;
}

/** Before a restart by the supervisor: the last good generation is there and `current`, whatever became of the folder. */
async function restoreGood({ proxy, memory: { good } }: Agent): Promise<void> {
  if (good === null) {
    return;
  }
  if (!(await isWritten(proxy.runDir, good))) {
    await write(proxy, good);
  }
  if ((await currentGeneration(proxy.runDir)) !== good.generation) {
    await pointCurrent(proxy.runDir, good.generation);
  }
}

async function write(proxy: FileProxy, files: AgentFiles): Promise<void> {
  await writeGeneration(proxy.runDir, files, await proxy.localFiles(files.generation));
}

/**
 * After a restart by the supervisor: what `current` names is the last good generation. Asks until it answers; that it does not
 * is told once.
 */
async function proveRestart(agent: Agent): Promise<void> {
  const { memory, supervisor, timing } = agent;
  memory.proving += 1;
  const { good, proving } = memory;
  if (good === null) {
    return;
  }
  const { generation } = good;
  const deaths = supervisor.deaths();
  const isOver = (): boolean =>
    memory.closed || memory.applying || memory.proving !== proving || supervisor.deaths() !== deaths;
  for (let asked = 0; ; asked += 1) {
    const error = await proveNow(agent, generation, () => (isOver() ? "it is over" : null)).catch(String);
    if (isOver()) {
      return;
    }
    if (error === null) {
      memory.serving = generation;
      memory.deathError = null;
      agent.tell({ kind: "serving", generation });
      return;
    }
    memory.deathError = `${agent.proxy.name} runs again, but ${error}${printed(supervisor)}`;
    if (asked === 0) {
      agent.tell({ kind: "failed", generation, error: memory.deathError });
    }
    await sleep(timing.backoff.maxMs, undefined, { ref: false });
  }
}

function proveNow(agent: Agent, generation: string, hopeless: () => string | null): Promise<string | null> {
  const { proxy, memory, supervisor, timing } = agent;
  const afterMs = proxy.resendAfterMs;
  return prove({
    generation,
    timeoutMs: timing.proofMs,
    settleMs: proxy.settleMs,
    ask: proxy.runningGeneration,
    hopeless: () => (memory.closed ? "the agent was closed" : hopeless()),
    resend: afterMs === null ? null : { afterMs, send: () => void supervisor.signal(proxy.reloadSignal) },
  });
}

function succeeded({ memory, tell }: Agent, generation: string): ApplyResult {
  memory.applyError = null;
  memory.failed = null;
  memory.deathError = null;
  tell({ kind: "serving", generation });
  return { outcome: "serving", generation };
}

function failed(
  { memory, tell }: Agent,
  { generation }: AgentFiles,
  { error, restore }: { readonly error: string; readonly restore: string | null },
): ApplyResult {
  const reason = restore === null ? error : `${error}\nand going back failed: ${restore}`;
  if (reason !== memory.applyError || generation !== memory.failed) {
    tell({ kind: "failed", generation, error: reason });
  }
  memory.applyError = reason;
  memory.failed = generation;
  return { outcome: "failed", generation, error, restoreError: restore };
}

function printed(supervisor: Supervisor): string {
  const text = supervisor.output();
  return text === "" ? "" : `:\n${text}`;
}

function stateOf({ serving, good, applyError, deathError, applying, closed }: Memory): AgentState {
  const lastError = applyError ?? deathError;
  if (closed) {
    return { state: "stopped", generation: null, lastError };
  }
  if (serving !== null) {
    return { state: applyError === null ? "serving" : "degraded", generation: serving, lastError };
  }
  if (good !== null) {
    return { state: "degraded", generation: null, lastError };
  }
  const idle = lastError === null ? "stopped" : "failed";
  return { state: applying ? "starting" : idle, generation: null, lastError };
}

function superseded(files: AgentFiles): ApplyResult {
  return { outcome: "superseded", generation: files.generation };
}
