/**
 * Routes that are gone and still used: a proxy whose listener changed or went lets old connections end in their own time, and these are
 * served by the old routes. Such a node goes on asking for them by name, and that is how it is known.
 */
import { DRAIN_MS, MAX_DRAINING } from "./limits.ts";
import { type Ref, refersTo } from "./refs.ts";
import { ROUTE } from "./resourceTypes.ts";
import type { Stream } from "./state.ts";
import { type Draining, isNamed, type Subscription, UNKNOWN } from "./subscription.ts";
import type { XdsResource } from "./types.ts";

/** No old routes. */
export const NOTHING_DRAINS: Draining = new Map();

/** The node is to lose a resource. When it asks for it all the same, what it names is still used. */
export function noteDraining(
  stream: Stream,
  sub: Subscription,
  gone: { name: string; has: XdsResource | undefined },
): void {
  const { name, has } = gone;
  if (sub.typeUrl !== ROUTE || has === undefined || has === UNKNOWN || !isNamed(sub, name)) return;
  const kept = [...stream.draining].slice(1 - MAX_DRAINING);
  stream.draining = new Map([...kept, [name, { has, until: stream.context.clock.monotonic() + DRAIN_MS }]]);
}

/** Forgets what the node asks for no more, what has come back, and what has had its time. */
export function dropDrained(stream: Stream, now: number): void {
  if (stream.draining.size === 0) return;
  const sub = stream.subs.get(ROUTE);
  const left = [...stream.draining].filter(
    ([name, { until }]) => until > now && sub !== undefined && isNamed(sub, name) && !sub.base.has(name),
  );
  for (const [, { until }] of left) stream.dueAt = Math.min(stream.dueAt, until);
  if (left.length < stream.draining.size) stream.draining = new Map(left);
}

/** True when connections that are about to end may still need this resource. */
export function isDrained(stream: Stream, ref: Ref): boolean {
  for (const { has } of stream.draining.values()) if (refersTo(has, ref)) return true;
  return false;
}
