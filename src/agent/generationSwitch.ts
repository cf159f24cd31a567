/** Switches a proxy to a generation, back to the last good one, and sees to that one after a restart. */
import { setTimeout as sleep } from "node:timers/promises";
import { currentGeneration, isWritten, pointCurrent, writeGeneration } from "./generations.ts";
import { prove } from "./prove.ts";
import type { RetryPauses } from "./retry.ts";
import type { Supervisor } from "./supervisor.ts";
import type { AgentEvent, AgentFiles, Backoff, Check, FileProxy } from "./types.ts";

/** How long an agent waits for what. */
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

/** What the parts of one agent share. */
export interface Agent {
  readonly proxy: FileProxy;
  readonly check: (files: AgentFiles) => Promise<Check>;
  readonly timing: AgentTiming;
  readonly tell: (event: AgentEvent) => void;
  readonly supervisor: Supervisor;
  readonly memory: Memory;
}

/** What an agent knows of its proxy. */
export interface Memory {
  /** Proved, and its process lives. */
  serving: string | null;
  /** Proved once: what a failed apply goes back to. */
  good: AgentFiles | null;
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

/**
 * As `switchTo`, with a second try when a proxy that served died meanwhile: somebody may have killed it, which says nothing
 * about the new generation. One that kills its proxy does so twice.
 */
export async function switchPatiently(agent: Agent, files: AgentFiles): Promise<string | null> {
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
export async function goBack(agent: Agent): Promise<string | null> {
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
export async function restoreGood({ proxy, memory: { good } }: Agent): Promise<void> {
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

/** Puts a generation on disk, with what the agent adds. */
export async function write(proxy: FileProxy, files: AgentFiles): Promise<void> {
  await writeGeneration(proxy.runDir, files, await proxy.localFiles(files.generation));
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

/** The last words of the proxy, to be put behind a reason. */
export function printed(supervisor: Supervisor): string {
  const text = supervisor.output();
  return text === "" ? "" : `:\n${text}`;
}
