/** Which rule a canary moves. */
import type { Canary, Route } from "./types.ts";

/** Index of the rule that `canary.rule` names (by name or by place), or null. */
export function canaryRule(canary: Canary, route: Route): number | null {
  const { rule } = canary;
  const index = typeof rule === "number" ? rule : route.rules.findIndex(({ name }) => name === rule);
  return index >= 0 && index < route.rules.length ? index : null;
}
