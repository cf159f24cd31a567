/**
 * What is gone and sent all the same. A cluster that a node keeps for its old routes, or a listener for the one that is to take its place,
 * may still wait there for its endpoints, secrets or routes: it was changed a moment before it went, or is sent once more to a node that
 * came back. Without these Envoy waits for 15 seconds, and then serves without them.
 */
import { mayName, type Ref, refersTo } from "./refs.ts";
import { referrersOf } from "./resourceTypes.ts";
import { type Stream, viewOf } from "./state.ts";
import { inScope, type Subscription } from "./subscription.ts";
import type { XdsResource } from "./types.ts";

/** As the view had it last, when something that the node keeps may wait for it; undefined: nothing does, or it is not remembered. */
export function keptFor(stream: Stream, sub: Subscription, name: string): XdsResource | undefined {
  // A full state says itself what of it is kept.
  if (sub.fullState) return undefined;
  const last = stream.group.departed.get(sub.typeUrl)?.get(name);
  return last !== undefined && isAwaited(stream, [sub.typeUrl, name]) ? last : undefined;
}

/** It is to be sent, although the view does not have it. */
export function sendKept(sub: Subscription, name: string, resource: XdsResource): void {
  sub.absent.delete(name);
  sub.kept.set(name, resource);
  sub.pending.set(name, undefined);
}

/** With a stream for each type nobody can see what the node keeps: there nothing is. */
function isAwaited(stream: Stream, ref: Ref): boolean {
  return referrersOf(ref[0]).some((typeUrl) => {
    const sub = stream.subs.get(typeUrl);
    return sub !== undefined && keeps(stream, sub, ref);
  });
}

/** Whether the node keeps a resource of this type that is gone and names the other. */
function keeps(stream: Stream, sub: Subscription, ref: Ref): boolean {
  for (const { has } of sub.deferred.values()) if (mayName(has, ref)) return true;
  const { resources } = viewOf(stream.group, sub.typeUrl);
  if (sub.base === resources) return false;
  // The stream has yet to be told that it is gone.
  for (const [name, has] of sub.base) {
    if (!resources.has(name) && inScope(sub, name) && refersTo(has, ref)) return true;
  }
  return false;
}
