/**
 * A node of the state of the world comes back with a version of clusters that nobody remembers: an old one, or another replica's. What is
 * gone and absent from the next response it loses at once, though its routes may still lead there. Its request for endpoints, which
 * comes right behind, names what it uses: what is remembered of that goes later, as if the node had stayed, and so do its endpoints.
 */
import { foldGone } from "./changes.ts";
import { HOLD_MS } from "./limits.ts";
import { sendParting } from "./parting.ts";
import type { Ref } from "./refs.ts";
import { CLUSTER, ENDPOINT, followersOf } from "./resourceTypes.ts";
import { type Group, type Stream, viewOf } from "./state.ts";
import { inScope, type Subscription } from "./subscription.ts";
import type { XdsResource } from "./types.ts";
import { isContentVersion } from "./view.ts";

/** Clusters that are gone, as far as they are remembered. */
function lostClusters({ departed }: Group): readonly (readonly [string, XdsResource])[] {
  return departed.get(CLUSTER)?.since(Number.NEGATIVE_INFINITY) ?? [];
}

/** The node's first request for clusters named this version: the answer may have to wait for its request for endpoints. */
export function awaitUsed(stream: Stream, sub: Subscription, version: string): void {
  if (sub.typeUrl !== CLUSTER || !sub.blind || !isContentVersion(version)) return;
  const lost = lostClusters(stream.group);
  // Who asks for clusters by name says so what it uses.
  const named = lost.filter(([name]) => sub.names.has(name));
  presume(stream, sub, named);
  if (!sub.wildcard || lost.length === 0 || stream.method.typeUrl !== null || stream.subs.has(ENDPOINT)) return;
  sub.postponedUntil = stream.context.clock.monotonic() + HOLD_MS;
}

/** The node's first request for endpoints. */
export function noteUsed(stream: Stream, endpoints: Subscription): void {
  const clusters = stream.subs.get(CLUSTER);
  if (endpoints.typeUrl !== ENDPOINT || clusters === undefined) return;
  if (!isPostponed(stream, clusters, stream.context.clock.monotonic())) return;
  clusters.postponedUntil = 0;
  const used = lostClusters(stream.group).filter(([, cluster]) =>
    followedBy(cluster).some(([typeUrl, name]) => typeUrl === ENDPOINT && endpoints.names.has(name)),
  );
  presume(stream, clusters, used);
}

function presume(stream: Stream, clusters: Subscription, used: readonly (readonly [string, XdsResource])[]): void {
  if (used.length === 0) return;
  clusters.doubt = "open";
  foldGone(stream, clusters, new Map(used));
  // What is sent may not be what the node has: then it waits for these anew.
  for (const [, cluster] of used) {
    for (const [typeUrl, name] of followedBy(cluster)) {
      const sub = stream.subs.get(typeUrl);
      if (sub === undefined || !inScope(sub, name) || viewOf(stream.group, typeUrl).resources.has(name)) continue;
      sendParting(stream, sub, name);
    }
  }
}

/** What a changed cluster waits for, as far as it says so. Its endpoints may go by its own name. */
function followedBy({ name, refs }: XdsResource): readonly Ref[] {
  return [[ENDPOINT, name] as const, ...refs.filter(([typeUrl]) => followersOf(CLUSTER).includes(typeUrl))];
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
