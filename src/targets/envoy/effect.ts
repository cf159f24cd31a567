/** What Envoys that run one rendering do to get to the next. */
import type { Effect, Rendered, RenderedResources } from "../target.ts";
import { typeUrls } from "./types.ts";

/**
 * Envoy takes over routes, clusters, endpoints and new listeners at once. A Listener that changed is another matter (Envoy's
 * pages on LDS and on network filter chains): its connections stay only where a filter chain is the same message as before, and
 * ours has one, so any change of it, a TCP split's weights too, drains them; so does removal, which is what a change of address
 * or port is, since the name holds both. Drained connections end with `--drain-time-s`.
 */
export function effect(before: Rendered | null, after: Rendered): Effect {
  if (before === null) return "none";
  const [old, next] = [resourcesOf(before), resourcesOf(after)];
  if (hasLost(typeUrls.listener, old, next)) return "listenerDrain";
  const types = new Set([...old.keys(), ...next.keys()]);
  const isChanged = [...types].some((type) => hasLost(type, old, next) || hasLost(type, next, old));
  return isChanged ? "runtime" : "none";
}

type Resources = RenderedResources["resources"];

function resourcesOf(rendered: Rendered): Resources {
  if (rendered.kind !== "resources") throw new Error("the Envoy target renders resources");
  return rendered.resources;
}

/** Whether one of the type's resources is gone or another. */
function hasLost(type: string, before: Resources, after: Resources): boolean {
  const [old, next] = [before.get(type), after.get(type)];
  if (old === undefined || old === next) return false;
  return [...old.values()].some(({ name, version }) => next?.get(name)?.version !== version);
}
