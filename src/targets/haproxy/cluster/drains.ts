/** `drainTimeout`: HAProxy ends the sessions of a server only when it is told, so the agent beside it is given a plan. */
import { DRAIN_PLAN_FILE, type DrainPlan } from "../../../ir/index.ts";

const BACKEND = /^backend (\S+)/gm;

/** All backends in the text of a cluster. */
export function backendsIn(text: string): readonly string[] {
  return Array.from(text.matchAll(BACKEND), ([, backend = ""]) => backend);
}

/** Path and text of the plan; null: there is nothing to end. */
export function drainPlanFile(groups: ReadonlyMap<string, number>): readonly [path: string, text: string] | null {
  if (groups.size === 0) return null;
  const plan: DrainPlan = { groups: Object.fromEntries([...groups].sort(([a], [b]) => (a < b ? -1 : 1))) };
  return [DRAIN_PLAN_FILE, `${JSON.stringify(plan, null, 1)}\n`];
}
