/** Applies generations of files to one local proxy, one at a time, and keeps the last good one running. */
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type OpenSecret, openedFiles, SecretError } from "../secrets/index.ts";
import { stateOf } from "./agentState.ts";
import { followEndpoints } from "./followEndpoints.ts";
import {
  type Agent,
  type AgentTiming,
  goBack,
  look,
  printed,
  proveRestart,
  restoreGood,
  switching,
  switchToArranged,
} from "./generationSwitch.ts";
import { pruneGenerations } from "./generations.ts";
import { createLatest } from "./latest.ts";
import { watchLeaving } from "./leaving.ts";
import { createListenerStates } from "./listenerStates.ts";
import { type AppliedCounts, countsOf, died, newMemory } from "./memory.ts";
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
  /** The proxy's own checker, on files as they are written. It may write them below the folder for a moment; must end by itself. */
  readonly check: (files: AgentFiles, folder: string) => Promise<Check>;
  /** Opens the secrets of files. Default: there are none. */
  readonly open?: OpenSecret;
  readonly rebound: MakeRebound;
  /** Default: every change is a reload. */
  readonly runtimeChange?: FindRuntimeChange;
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
  /** How what runs came to be, and how often it was so. */
  applied(): AppliedCounts;
  /** What is under way of what gets nothing new. */
  leaving(): Leaving;
  /** Of the listeners of the newest files, by name. Events tell of changes. */
  listeners(): readonly ListenerState[];
  /** Of the files that run those that get nothing, as they do not pass their probes; null: none is probed. Events tell of changes. */
  endpointsDown(): readonly EndpointDown[] | null;
  /** Ends the proxy and all its workers; what waits or runs is `superseded`. */
  close(): Promise<void>;
}

/** Creates `proxy.runDir`; starts nothing before the first `apply`. */
export function createFileAgent(options: FileAgentOptions): FileAgent {
  const { proxy, rebound, takenOut, open = noSecrets } = options;
  const timing = { ...DEFAULT_TIMING, ...options.timing };
  makeRunDir(proxy.runDir);
  const memory = newMemory();
  const states = createListenerStates();
  const tell = (event: AgentEvent): void => {
    options.onEvent?.(event);
    if (event.kind === "serving") leaving.look();
    if (event.kind === "died") leaving.forget();
  };
  const pid = (): number | null => supervisor.pid();
  const leaving = watchLeaving({ ask: proxy.leaving, pid, idleMs: null, onLeft: () => tell({ kind: "drained" }) });
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
      const death = `${proxy.name} ${reason}${printed(supervisor)}`;
      died(memory, death);
      tell({ kind: "died", reason: death, restartInMs });
      tellListeners();
    },
    onLine: (line) => {
      memory.reloadRefused ||= proxy.saysReloadFailed(line);
      tell({ kind: "line", line });
    },
    onLogged: (line) => tell({ kind: "logged", line }),
  });
  const follow = (): void => queue.offer(null);
  const endpoints = createProbedEndpoints({ takenOut, onMoved: follow, onChange: tell, open });
  const agent: Agent = {
    proxy,
    ...withSecrets({ ...options, open }),
    rebound,
    runtimeChange: options.runtimeChange ?? (async () => null),
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
    needsGap: () => memory.needsGap,
    skipped: superseded,
    work: async (files) => {
      const result = await workOn(agent, files);
      // Whoever follows endpoints does not tell that something serves.
      if (files === null && memory.needsGap) leaving.look();
      // What was gone back to may have been written before endpoints went.
      if (result.outcome === "failed") setTimeout(follow, files === null ? timing.retry.waitingMs : 0).unref();
      return result;
    },
  });
  const retry = createRetry(queue.push, timing.retry);
  return {
    apply: retry.apply,
    ...reportsOf(agent),
    leaving: leaving.now,
    close: async () => {
      memory.closed = true;
      retry.close();
      leaving.close();
      endpoints.close();
      await supervisor.stop(proxy.stopSignal, timing.graceMs);
      await queue.close();
      // A start that was on its way while we stopped.
      await supervisor.stop(proxy.stopSignal, timing.graceMs);
    },
  };
}

function noSecrets(): never {
  throw new SecretError("this agent has no key to secrets");
}

interface Opening extends Pick<FileAgentOptions, "check" | "proxy"> {
  readonly open: OpenSecret;
}

/** The checker reads what the proxy would read. */
function withSecrets({ check, proxy, open }: Opening): Pick<Agent, "check" | "open"> {
  return { open, check: (files) => check({ ...files, files: openedFiles(files.files, open) }, proxy.runDir) };
}

/** Without what a check that was cut off left there: it may hold secrets. */
function makeRunDir(runDir: string): void {
  mkdirSync(runDir, { recursive: true, mode: 0o755 });
  for (const name of readdirSync(runDir))
    if (name.startsWith("trimtab-check-")) rmSync(join(runDir, name), { recursive: true, force: true });
}

function reportsOf({
  memory,
  endpoints,
  listeners,
}: Agent): Pick<FileAgent, "state" | "failures" | "applied" | "listeners" | "endpointsDown"> {
  return {
    state: () => stateOf(memory),
    failures: () => memory.failures,
    applied: () => countsOf(memory),
    listeners,
    endpointsDown: () => (memory.good === null ? null : endpoints.down(memory.good.whole)),
  };
}

function workOn(agent: Agent, files: AgentFiles | null): Promise<ApplyResult> {
  return files === null
    ? onDisk(agent, agent.memory.good?.whole ?? null, () => followEndpoints(agent))
    : onDisk(agent, files, () => applyOne(agent, files));
}

/** What the file system refuses (no room, for instance) is a failure like any other, and so is a secret that does not open. */
async function onDisk(agent: Agent, files: AgentFiles | null, work: () => Promise<ApplyResult>): Promise<ApplyResult> {
  try {
    return await work();
  } catch (error) {
    const isFailure = error instanceof SecretError || (error instanceof Error && "code" in error);
    if (!isFailure || files === null) {
      throw error;
    }
    return agent.memory.closed ? superseded(files) : failed(agent, files, { error: error.message, restore: null });
  }
}

async function applyOne(agent: Agent, files: AgentFiles): Promise<ApplyResult> {
  const { memory, proxy, supervisor, endpoints } = agent;
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
