/** Applies generations of files to one local proxy, one at a time, and keeps the last good one running. */
import { mkdirSync } from "node:fs";
import { stateOf } from "./agentState.ts";
import { followEndpoints } from "./followEndpoints.ts";
import {
  type Agent,
  type AgentTiming,
  goBack,
  look,
  type Memory,
  printed,
  proveRestart,
  restoreGood,
  switching,
  switchToArranged,
} from "./generationSwitch.ts";
import { pruneGenerations } from "./generations.ts";
import { createLatest } from "./latest.ts";
import { createListenerStates } from "./listenerStates.ts";
import { failed, succeeded, superseded } from "./outcomes.ts";
import { createProbedEndpoints, type TakeOutOf } from "./probedEndpoints.ts";
import type { EndpointDown } from "./prober/index.ts";
import { createRetry } from "./retry.ts";
import { createSupervisor, DEFAULT_BACKOFF } from "./supervisor.ts";
import type {
  AgentEvent,
  AgentFiles,
  AgentState,
  ApplyResult,
  Check,
  FileProxy,
  ListenerState,
  MakeRebound,
} from "./types.ts";

/** Milliseconds; `FileAgentOptions.timing` overrides single ones. */
export const DEFAULT_TIMING: AgentTiming = {
  // Measured: with 2 s between reloads HAProxy loses no keep-alive request, with 0.6 s up to 128.
  gapMs: 2_000,
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
  readonly takenOut: TakeOutOf;
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
  /** Of the listeners of the newest files, by name. Events tell of changes. */
  listeners(): readonly ListenerState[];
  /** Of the files that run those that get nothing, as they do not pass their probes; null: none is probed. Events tell of changes. */
  endpointsDown(): readonly EndpointDown[] | null;
  /** Ends the proxy and all its workers; what waits or runs is `superseded`. */
  close(): Promise<void>;
}

/** Of a proxy that was given nothing yet. */
const NOTHING_KNOWN: Memory = {
  wanted: null,
  serving: null,
  good: null,
  told: null,
  applyError: null,
  failed: null,
  deathError: null,
  failures: 0,
  applying: false,
  onlyLooked: false,
  proving: 0,
  closed: false,
  reloadRefused: false,
};

/** Creates `proxy.runDir`; starts nothing before the first `apply`. */
export function createFileAgent(options: FileAgentOptions): FileAgent {
  const { proxy, check, rebound, takenOut } = options;
  const timing = { ...DEFAULT_TIMING, ...options.timing };
  mkdirSync(proxy.runDir, { recursive: true, mode: 0o755 });
  const memory = { ...NOTHING_KNOWN };
  const states = createListenerStates();
  const tell = options.onEvent ?? (() => undefined);
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
        void proveRestart(agent).then(retry.lookAgain).then(follow);
      }
    },
    onDeath: (reason, restartInMs) => {
      memory.serving = null;
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
  const follow = (): void => queue.offer(null);
  const endpoints = createProbedEndpoints({ takenOut, onMoved: follow, onChange: tell });
  const agent: Agent = {
    proxy,
    check,
    rebound,
    endpoints,
    timing,
    tell,
    tellListeners,
    listeners: states.all,
    supervisor,
    memory,
  };
  // Null: what runs is to be as its endpoints are by now.
  const queue = createLatest<AgentFiles | null, ApplyResult>({
    gapMs: timing.gapMs,
    needsGap: () => !memory.onlyLooked,
    skipped: superseded,
    work: async (files) => {
      const result = await workOn(agent, files);
      // What was gone back to may have been written before endpoints went.
      if (result.outcome === "failed") setTimeout(follow, files === null ? timing.retry.waitingMs : 0).unref();
      return result;
    },
  });
  const retry = createRetry(queue.push, timing.retry);
  return {
    apply: retry.apply,
    state: () => stateOf(memory),
    failures: () => memory.failures,
    listeners: states.all,
    endpointsDown: () => (memory.good === null ? null : endpoints.down(memory.good.whole)),
    close: async () => {
      memory.closed = true;
      retry.close();
      endpoints.close();
      await supervisor.stop(proxy.stopSignal, timing.graceMs);
      await queue.close();
      // A start that was on its way while we stopped.
      await supervisor.stop(proxy.stopSignal, timing.graceMs);
    },
  };
}

function workOn(agent: Agent, files: AgentFiles | null): Promise<ApplyResult> {
  return files === null
    ? onDisk(agent, agent.memory.good?.whole ?? null, () => followEndpoints(agent))
    : onDisk(agent, files, () => applyOne(agent, files));
}

/** What the file system refuses (no room, for instance) is a failure like any other. */
async function onDisk(agent: Agent, files: AgentFiles | null, work: () => Promise<ApplyResult>): Promise<ApplyResult> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error) || files === null) {
      throw error;
    }
    return agent.memory.closed ? superseded(files) : failed(agent, files, { error: error.message, restore: null });
  }
}

async function applyOne(agent: Agent, files: AgentFiles): Promise<ApplyResult> {
  const { memory, proxy, supervisor, endpoints } = agent;
  memory.wanted = files;
  await supervisor.cleared();
  memory.onlyLooked = await isServed(agent, files);
  if (memory.onlyLooked) {
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
  // Those of before too, as long as they may be what runs on.
  await endpoints.watch([...(memory.good === null ? [] : [memory.good.whole]), files]);
  if (memory.closed) {
    return superseded(files);
  }
  return switching(agent, async () => {
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
    void endpoints.watch([files]);
    await pruneGenerations(proxy.runDir, memory.good?.files.generation ?? null);
    return result;
  });
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
