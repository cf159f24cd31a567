/** What became of one try: noted, told where it is news, and as the result of `apply`. */
import type { Arrangement } from "./arrange.ts";
import type { Agent } from "./generationSwitch.ts";
import { withoutNumbers } from "./listenerStates.ts";
import type { AgentFiles, ApplyResult } from "./types.ts";

/** What `memory.good` names answers, or did: when its process died since, the restart tells the rest. The same is told once. */
export function succeeded(agent: Agent): ApplyResult {
  const { memory, tell } = agent;
  const { told: generation, waiting } = memory.good as Arrangement;
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

/** The proxy did not take it; the same reason is told once. */
export function failed(
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

/** Something newer took its place, or there is nothing to do. */
export function superseded(files: AgentFiles | null): ApplyResult {
  return { outcome: "superseded", generation: files?.generation ?? "" };
}
