/** Applies generations of files to one local proxy, one at a time, and keeps the last good one running. */
import { mkdirSync } from "node:fs";
import { busySockets, freshSockets, socketText } from "./busySockets.ts";
import {
  type Agent,
  type AgentTiming,
  goBack,
  type Memory,
  printed,
  proveRestart,
  restoreGood,
  switchPatiently,
  write,
} from "./generationSwitch.ts";
import { pruneGenerations } from "./generations.ts";
import { createLatest } from "./latest.ts";
import { createRetry } from "./retry.ts";
import { createSupervisor, DEFAULT_BACKOFF } from "./supervisor.ts";
import type { AgentEvent, AgentFiles, AgentState, ApplyResult, Check, FileProxy } from "./types.ts";

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

/** Creates `proxy.runDir`; starts nothing before the first `apply`. */
export function createFileAgent(options: FileAgentOptions): FileAgent {
  const { proxy, check } = options;
  const timing = { ...DEFAULT_TIMING, ...options.timing };
  mkdirSync(proxy.runDir, { recursive: true, mode: 0o755 });
  const memory: Memory = {
    serving: null,
    good: null,
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
  await supervisor.cleared();
  // On a socket that it cannot bind a proxy tries for seconds: HAProxy's new worker silences the old one's listeners meanwhile.
  const busy = await busySockets(freshSockets(files.sockets, memory.good?.sockets ?? []).map(socketText));
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
    await pruneGenerations(proxy.runDir, generation);
    return succeeded(agent, generation);
  } finally {
    memory.applying = false;
    if (memory.serving === null && supervisor.pid() !== null) {
      void proveRestart(agent);
    }
  }
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
  if (withoutNumbers(reason) !== withoutNumbers(memory.applyError) || generation !== memory.failed) {
    tell({ kind: "failed", generation, error: reason });
  }
  memory.applyError = reason;
  memory.failed = generation;
  return { outcome: "failed", generation, error, restoreError: restore };
}

/** What proxies print has times and process ids, which make the same error look new at each try. */
function withoutNumbers(reason: string | null): string {
  return (reason ?? "").replace(/\d+/g, "");
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
