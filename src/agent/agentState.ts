/** The state of an agent's proxy, as others see it. */
import type { WaitingSocket } from "./arrange.ts";
import type { Memory } from "./memory.ts";
import type { AgentState } from "./types.ts";

/** From what the agent knows. */
export function stateOf({ serving, good, applyError, deathError, applying, closed }: Memory): AgentState {
  const waiting = serving === null ? [] : (good?.waiting ?? []);
  const lastError = applyError ?? deathError ?? waitingText(waiting);
  if (closed) {
    return { state: "stopped", generation: null, lastError };
  }
  if (serving !== null) {
    return {
      state: applyError === null && waiting.length === 0 ? "serving" : "degraded",
      generation: good?.told ?? serving,
      lastError,
    };
  }
  if (good !== null) {
    return { state: "degraded", generation: null, lastError };
  }
  const idle = lastError === null ? "stopped" : "failed";
  return { state: applying ? "starting" : idle, generation: null, lastError };
}

function waitingText(waiting: readonly WaitingSocket[]): string | null {
  const lines = waiting.map(({ socket, reason }) => `${socket.listeners.join(", ")} waits: ${reason}`);
  return lines.length === 0 ? null : lines.join("\n");
}
