/**
 * Times to live and the heartbeats that renew them: a resource without content, under the version that the node has. Plain state and
 * functions; the clock is the caller's.
 */
import type { RequestNode } from "./decode.ts";
import type { Sendable } from "./encode.ts";
import { HEARTBEAT_RETRY_MS, HEARTBEATS_PER_TTL, MIN_HEARTBEAT_MS } from "./limits.ts";
import { ON_DEMAND_TYPES } from "./resourceTypes.ts";
import { inScope, type Subscription } from "./subscription.ts";
import type { XdsResource } from "./types.ts";
import type { TypeView } from "./view.ts";

/**
 * Whether a node is told times to live. State of the world has no place for them but a wrapper that not every client takes off.
 * Envoy ignores heartbeats for virtual hosts, so they must not expire.
 */
export function usesTtl(node: RequestNode, kind: { typeUrl: string; delta: boolean }): boolean {
  return node.knowsTtl && (kind.delta || node.unwraps) && !ON_DEMAND_TYPES.has(kind.typeUrl);
}

/** After something was sent: from now on it must be kept alive. */
export function startHeartbeats(sub: Subscription, view: TypeView, now: number): void {
  if (sub.ttl && view.timed.length > 0) sub.heartbeatAt = Math.min(sub.heartbeatAt, now + interval(sub, view));
}

/** What is to be renewed now; null: nothing yet. */
export function heartbeat(
  sub: Subscription,
  view: TypeView,
  now: number,
): { readonly resources: readonly Sendable[]; readonly version: string } | null {
  if (sub.heartbeatAt > now) return null;
  // Envoy takes a resource without content for a heartbeat only while it is at the version that is named with it.
  const version = sub.delta ? view.version : sub.ackedVersion;
  if (!sub.fullState && (sub.outstanding.length > 0 || version === null)) {
    sub.heartbeatAt = now + HEARTBEAT_RETRY_MS;
    return null;
  }
  sub.heartbeatAt = now + interval(sub, view);
  const resources = keptAlive(sub, view).filter((resource) => stands(sub, resource));
  if (resources.length === 0) return null;
  if (sub.fullState) {
    // Absence deletes there, and Envoy sees a resource without content as absent: all is sent again.
    sub.mustAnswer = true;
    return null;
  }
  sub.heartbeats += 1;
  if (!sub.delta && sub.heartbeats % 2 === 0) {
    // Envoy skips heartbeats in state of the world before it looks at their time to live (seen on 1.40): every second has content.
    for (const resource of resources) sub.pending.set(resource.name, undefined);
    return null;
  }
  return { resources: resources.map((resource) => ({ ...resource, hollow: true })), version: version! };
}

/** Infinite when nothing in scope has a time to live. */
function interval(sub: Subscription, view: TypeView): number {
  let shortest = Number.POSITIVE_INFINITY;
  for (const resource of keptAlive(sub, view)) shortest = Math.min(shortest, resource.ttlMs!);
  return Math.max(MIN_HEARTBEAT_MS, shortest / HEARTBEATS_PER_TTL);
}

function keptAlive(sub: Subscription, view: TypeView): readonly XdsResource[] {
  return view.timed.filter((resource) => inScope(sub, resource.name) || isAliased(sub, resource));
}

function isAliased(sub: Subscription, resource: XdsResource): boolean {
  return resource.aliases?.some((alias) => sub.names.has(alias)) ?? false;
}

/** True when the node runs this very content. */
function stands(sub: Subscription, resource: XdsResource): boolean {
  const { name } = resource;
  if (sub.pending.has(name) || sub.deferred.has(name) || sub.rejected.has(name)) return false;
  return sub.base.get(name)?.version === resource.version;
}
