/**
 * A node of the state of the world comes back with a version of clusters that nobody remembers: an old one, or another replica's. What is
 * gone and absent from the next response it loses at once, though its routes may still lead there. Its request for endpoints, which
 * comes right behind, names what it uses: what is remembered of that goes later, as if the node had stayed.
 */
import { foldGone } from "./changes.ts";
import { HOLD_MS } from "./limits.ts";
import { CLUSTER, ENDPOINT } from "./resourceTypes.ts";
import type { Group, Stream } from "./state.ts";
import type { Subscription } from "./subscription.ts";
import type { XdsResource } from "./types.ts";
import { isContentVersion, NO_RESOURCES, type ResourceMap } from "./view.ts";

/** Clusters that are gone, as far as they are remembered. */
function lostClusters({ history, types }: Group): ResourceMap {
  return history.get(CLUSTER)?.lost(types.get(CLUSTER)?.resources ?? NO_RESOURCES) ?? NO_RESOURCES;
}

/** The node's first request for clusters named this version: the answer may have to wait for its request for endpoints. */
export function awaitUsed(stream: Stream, sub: Subscription, version: string): void {
  if (sub.typeUrl !== CLUSTER || !sub.blind || !isContentVersion(version)) return;
  const lost = lostClusters(stream.group);
  // Who asks for clusters by name says so what it uses.
  const named = [...lost].filter(([name]) => sub.names.has(name));
  presume(stream, sub, named);
  if (!sub.wildcard || lost.size === 0 || stream.method.typeUrl !== null || stream.subs.has(ENDPOINT)) return;
  sub.postponedUntil = stream.context.clock.monotonic() + HOLD_MS;
}

/** The node's first request for endpoints. */
export function noteUsed(stream: Stream, endpoints: Subscription): void {
  const clusters = stream.subs.get(CLUSTER);
  if (endpoints.typeUrl !== ENDPOINT || clusters === undefined) return;
  if (!isPostponed(stream, clusters, stream.context.clock.monotonic())) return;
  clusters.postponedUntil = 0;
  const used = [...lostClusters(stream.group)].filter(([name, { refs }]) => {
    const asked = refs.filter(([typeUrl]) => typeUrl === ENDPOINT).map(([, endpoint]) => endpoint);
    return [name, ...asked].some((endpoint) => endpoints.names.has(endpoint));
  });
  presume(stream, clusters, used);
}

function presume(stream: Stream, clusters: Subscription, used: readonly (readonly [string, XdsResource])[]): void {
  if (used.length === 0) return;
  clusters.doubt = "open";
  foldGone(stream, clusters, new Map(used));
}

/** True while the answer waits; the stream is woken when that has lasted too long. */
export function isPostponed(stream: Stream, sub: Subscription, now: number): boolean {
  if (sub.postponedUntil <= now) {
    sub.postponedUntil = 0;
    return false;
  }
  stream.dueAt = Math.min(stream.dueAt, sub.postponedUntil);
  return true;
}
