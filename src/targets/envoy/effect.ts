/** What Envoys that run one rendering do to get to the next. */
import { hash } from "node:crypto";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { FilterChainSchema } from "../../gen/proto/envoy/config/listener/v3/listener_components_pb.js";
import { ListenerSchema } from "../../gen/proto/envoy/config/listener/v3/listener_pb.js";
import type { Effect, Rendered, RenderedResource, RenderedResources } from "../target.ts";
import { typeUrls } from "./types.ts";

/**
 * Envoy takes over routes, clusters, endpoints and new listeners at once. A Listener that changed is another matter (Envoy's
 * pages on LDS and on network filter chains): its connections stay only where a filter chain is the same message as before. Only
 * listeners inside TLS have several, so any change of another one, a TCP split's weights too, drains its connections; so does
 * removal, which is what a change of address or port is, since the name holds both. Drained connections end with `--drain-time-s`.
 */
export function effect(before: Rendered | null, after: Rendered): Effect {
  if (before === null) return "none";
  const [old, next] = [resourcesOf(before), resourcesOf(after)];
  if (drains(old.get(typeUrls.listener), next.get(typeUrls.listener))) return "listenerDrain";
  const types = new Set([...old.keys(), ...next.keys()]);
  const isChanged = [...types].some((type) => hasLost(type, old, next) || hasLost(type, next, old));
  return isChanged ? "runtime" : "none";
}

type Resources = RenderedResources["resources"];

function resourcesOf(rendered: Rendered): Resources {
  if (rendered.kind !== "resources") throw new Error("the Envoy target renders resources");
  return rendered.resources;
}

type Listeners = ReadonlyMap<string, RenderedResource> | undefined;

/** Whether a listener is gone, or one of its connections' chains is. */
function drains(before: Listeners, after: Listeners): boolean {
  if (before === undefined || before === after) return false;
  return [...before.values()].some((old) => {
    const next = after?.get(old.name);
    return next === undefined || (next.version !== old.version && !keepsChains(old, next));
  });
}

/** Whether only filter chains were added: one more set of certificates. */
function keepsChains({ bytes: old }: RenderedResource, { bytes: next }: RenderedResource): boolean {
  const [before, after] = [partsOf(old), partsOf(next)];
  return before.rest === after.rest && before.chains.every((chain) => after.chains.includes(chain));
}

function partsOf(bytes: Uint8Array): { readonly rest: string; readonly chains: readonly string[] } {
  const listener = fromBinary(ListenerSchema, bytes);
  const chains = listener.filterChains.map((chain) => hash("sha256", toBinary(FilterChainSchema, chain)));
  return { rest: hash("sha256", toBinary(ListenerSchema, { ...listener, filterChains: [] })), chains };
}

/** Whether one of the type's resources is gone or another. */
function hasLost(type: string, before: Resources, after: Resources): boolean {
  const [old, next] = [before.get(type), after.get(type)];
  if (old === undefined || old === next) return false;
  return [...old.values()].some(({ name, version }) => next?.get(name)?.version !== version);
}
