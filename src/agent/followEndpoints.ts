/** Makes what runs as its endpoints are by now: who fails goes, who passes again comes. */
import { type Agent, goBack, look, switching, switchToArranged } from "./generationSwitch.ts";
import { pruneGenerations } from "./generations.ts";
import { failed, superseded } from "./outcomes.ts";
import type { AgentFiles, ApplyResult } from "./types.ts";

/**
 * Is about what was proved last, whatever has become of files that came later. Nothing to do where nothing runs: a start sees to it.
 * `memory.needsGap` says whether the process was touched.
 */
export async function followEndpoints(agent: Agent): Promise<ApplyResult> {
  const { memory, endpoints } = agent;
  memory.needsGap = false;
  const { good } = memory;
  const isIdle = memory.serving === null || memory.closed;
  if (good === null || isIdle || endpoints.down(good.whole) === null) return superseded(good?.whole ?? null);
  const next = await look(agent, good.whole, good.files.sockets);
  memory.needsGap = next.files.generation !== good.files.generation;
  return memory.needsGap ? switching(agent, () => followNow(agent, good.whole)) : superseded(good.whole);
}

async function followNow(agent: Agent, whole: AgentFiles): Promise<ApplyResult> {
  const { memory, proxy, supervisor } = agent;
  await supervisor.launched();
  const error = await switchToArranged(agent, whole);
  const restore = error === null || memory.closed ? null : await goBack(agent);
  if (memory.closed || memory.good === null) return superseded(whole);
  if (error !== null) return failed(agent, whole, { error, restore });
  // An error of files that came later is not over.
  if (memory.failed === whole.generation) {
    memory.applyError = null;
    memory.failed = null;
  }
  agent.tellListeners();
  await pruneGenerations(proxy.runDir, memory.good.files.generation);
  return { outcome: "serving", generation: memory.good.told };
}
