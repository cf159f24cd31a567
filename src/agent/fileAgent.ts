/** Applies generations of files to one local proxy, one at a time, and keeps the last good one running. */
import { mkdirSync } from "node:fs";
import { stateOf } from "./agentState.ts";
import type { Arrangement } from "./arrange.ts";
import {
  type Agent,
  type AgentTiming,
  goBack,
  look,
  printed,
  proveRestart,
  restoreGood,
  switchToArranged,
} from "./generationSwitch.ts";
import { pruneGenerations } from "./generations.ts";
import { createLatest } from "./latest.ts";
import { watchLeaving } from "./leaving.ts";
import { createListenerStates, withoutNumbers } from "./listenerStates.ts";
import { type AppliedCounts, countsOf, newMemory } from "./memory.ts";
import { createRetry } from "./retry.ts";
import { createSupervisor, DEFAULT_BACKOFF } from "./supervisor.ts";
import type {
  AgentEvent,
  AgentFiles,
  AgentState,
  ApplyResult,
  Check,
  FileProxy,
  FindRuntimeChange,
  Leaving,
  ListenerState,
  MakeRebound,
} from "./types.ts";

/**
 * From the end of a reload to the next: at most thirty in a minute, whatever comes; of what waits the newest counts. Measured: with 2 s
 * between reloads HAProxy loses no keep-alive request, with 0.6 s up to 128.
 */
const RELOAD_GAP_MS = 2_000;

/** Milliseconds; `FileAgentOptions.timing` overrides single ones. */
export const DEFAULT_TIMING: AgentTiming = {
  gapMs: RELOAD_GAP_MS,
  // HAProxy needs 0.5 s for 2000 backends, and nginx 2.5 s to give up on a port that is taken.
  proofMs: 15_000,
  graceMs: 5_000,
  backoff: DEFAULT_BACKOFF,
  // A try that fails while nginx reloads gives its workers up twice, which ends idle keep-alive connections.
  // A look at a taken socket costs a system call: a port that got free is served a few seconds later.
  retry: { firstMs: 1_000, maxMs: 30_000, waitingMs: 5_000 },
};

export interface FileAgentOptions {
  readonly proxy: FileProxy;
  /** The proxy's own checker; must end by itself. */
  readonly check: (files: AgentFiles) => Promise<Check>;
  readonly rebound: MakeRebound;
  /** Default: every change is a reload. */
  readonly runtimeChange?: FindRuntimeChange;
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
  /** How often files were not taken, each try counted, and the process died. */
  failures(): number;
  /** How what runs came to be, and how often it was so. */
  applied(): AppliedCounts;
  /** What is under way of what gets nothing new. */
  leaving(): Leaving;
  /** Of the listeners of the newest files, by name. Events tell of changes. */
  listeners(): readonly ListenerState[];
  /** Ends the proxy and all its workers; what waits or runs is `superseded`. */
  close(): Promise<void>;
}

/** Creates `proxy.runDir`; starts nothing before the first `apply`. */
export function createFileAgent(options: FileAgentOptions): FileAgent {
  const { proxy, check, rebound } = options;
  const timing = { ...DEFAULT_TIMING, ...options.timing };
  mkdirSync(proxy.runDir, { recursive: true, mode: 0o755 });
  const memory = newMemory();
  const states = createListenerStates();
  const tell = (event: AgentEvent): void => {
    options.onEvent?.(event);
    if (event.kind === "serving") leaving.look();
    if (event.kind === "died") leaving.forget();
  };
  const pid = (): number | null => supervisor.pid();
  const leaving = watchLeaving({ proxy, pid, onLeft: () => tell({ kind: "drained" }) });
  const tellListeners = (): void => {
    const listeners = states.update(memory);
    if (listeners !== null) tell({ kind: "listeners", listeners });
  };
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
        // What had to be left out at the start is looked after.
        void proveRestart(agent).then(retry.lookAgain);
      }
    },
    onDeath: (reason, restartInMs) => {
      memory.serving = null;
      memory.loaded = null;
      memory.failures += 1;
      memory.deathError = `${proxy.name} ${reason}${printed(supervisor)}`;
      tell({ kind: "died", reason: memory.deathError, restartInMs });
      tellListeners();
    },
    onLine: (line) => {
      memory.reloadRefused ||= proxy.saysReloadFailed(line);
      tell({ kind: "line", line });
    },
    onLogged: (line) => tell({ kind: "logged", line }),
  });
  const agent: Agent = {
    proxy,
    check,
    rebound,
    runtimeChange: options.runtimeChange ?? (async () => null),
    timing,
    tell,
    tellListeners,
    listeners: states.all,
    supervisor,
    memory,
  };
  const queue = createLatest({
    gapMs: timing.gapMs,
    needsGap: () => memory.needsGap,
    skipped: superseded,
    work: (files) => applyOnDisk(agent, files),
  });
  const retry = createRetry(queue.push, timing.retry);
  return {
    apply: retry.apply,
    state: () => stateOf(memory),
    failures: () => memory.failures,
    applied: () => countsOf(memory),
    leaving: leaving.now,
    listeners: states.all,
    close: async () => {
      memory.closed = true;
      retry.close();
      leaving.close();
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
  memory.wanted = files;
  await supervisor.cleared();
  memory.needsGap = !(await isServed(agent, files));
  if (!memory.needsGap) {
    return succeeded(agent);
  }
  const verdict = await agent.check(files);
  if (memory.closed) {
    return superseded(files);
  }
  if (!verdict.ok) {
    return failed(agent, files, {
      error: `${proxy.name} refuses the configuration: ${verdict.message}`,
      restore: null,
    });
  }
  memory.applying = true;
  try {
    // A restart that began before points `current` at the last good generation: not behind our back.
    await supervisor.launched();
    const error = await switchToArranged(agent, files);
    const restore = error === null || memory.closed ? null : await goBack(agent);
    if (memory.closed) {
      return superseded(files);
    }
    if (error !== null) {
      return failed(agent, files, { error, restore });
    }
    const result = succeeded(agent);
    await pruneGenerations(proxy.runDir, result.generation);
    return result;
  } finally {
    memory.applying = false;
    if (memory.serving === null && supervisor.pid() !== null) {
      void proveRestart(agent);
    }
  }
}

/** Whether what runs is all that can be run of these files. */
async function isServed(agent: Agent, files: AgentFiles): Promise<boolean> {
  const { memory } = agent;
  const { good, serving } = memory;
  if (good === null || serving === null || good.whole.generation !== files.generation) {
    return false;
  }
  if (serving === files.generation) {
    return true;
  }
  const next = await look(agent, files, good.files.sockets);
  if (next.files.generation !== serving || memory.serving !== serving) {
    return false;
  }
  // The reasons may be others now.
  memory.good = next;
  return true;
}

/** What `memory.good` names answers, or did: when its process died since, the restart tells the rest. The same is told once. */
function succeeded(agent: Agent): ApplyResult {
  const { memory, tell } = agent;
  const { files, waiting } = memory.good as Arrangement;
  const { generation } = files;
  const lives = memory.serving !== null;
  const isNews = memory.told !== generation || memory.applyError !== null || memory.deathError !== null;
  memory.told = generation;
  memory.applyError = null;
  memory.failed = null;
  memory.deathError = lives ? null : memory.deathError;
  if (isNews && lives) {
    const { applied, runtimeError } = memory;
    tell({ kind: "serving", generation, applied: applied ?? "start", ...(runtimeError && { runtimeError }) });
  }
  agent.tellListeners();
  const states = agent.listeners().filter(({ state }) => state === "waiting");
  return waiting.length === 0
    ? { outcome: "serving", generation }
    : { outcome: "partial", generation, waiting: states };
}

function failed(
  { memory, tell, tellListeners }: Agent,
  { generation }: AgentFiles,
  { error, restore }: { readonly error: string; readonly restore: string | null },
): ApplyResult {
  const reason = restore === null ? error : `${error}\nand going back failed: ${restore}`;
  if (withoutNumbers(reason) !== withoutNumbers(memory.applyError) || generation !== memory.failed) {
    tell({ kind: "failed", generation, error: reason });
  }
  memory.failures += 1;
  memory.applyError = reason;
  memory.failed = generation;
  tellListeners();
  return { outcome: "failed", generation, error, restoreError: restore };
}

function superseded(files: AgentFiles): ApplyResult {
  return { outcome: "superseded", generation: files.generation };
}
