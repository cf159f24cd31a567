/**
 * Endpoints that are gone while their cluster is still to go. A node that changed the cluster a moment before asks for them anew; the
 * word that there are none would make it empty a cluster that its routes still lead to. So they are sent as they were last, or, where
 * nothing is known to wait for them, that word waits like any other removal.
 */
import { foldGone } from "./changes.ts";
import { keptFor, sendKept } from "./kept.ts";
import { HOLD_MS } from "./limits.ts";
import { ENDPOINT } from "./resourceTypes.ts";
import type { Stream } from "./state.ts";
import { type Subscription, UNKNOWN } from "./subscription.ts";

/** As long as a removed cluster may wait on a stream of its own. */
const PARTING_MS = 2 * HOLD_MS;

/** The node asks for what is not there, and what it keeps waits for that: it is sent, and goes with what it is kept for. */
export function sendParting(stream: Stream, sub: Subscription, name: string): boolean {
  const resource = keptFor(stream, sub, name);
  if (resource === undefined) return false;
  foldGone(stream, sub, new Map([[name, resource]]));
  if (!sub.delta || sub.deferred.has(name)) sendKept(sub, name, resource);
  sub.urgent = true;
  return true;
}

/** The node asked for endpoints: what would be denied, and was there a moment ago, is denied later. */
export function denyLater(stream: Stream, sub: Subscription): void {
  // In a state of the world nobody takes endpoints away.
  if (!sub.delta || sub.typeUrl !== ENDPOINT || sub.absent.size === 0) return;
  const since = stream.context.clock.monotonic() - PARTING_MS;
  const late = stream.group.departed.get(ENDPOINT)?.since(since) ?? [];
  const names = late.flatMap(([name]) => (sub.absent.has(name) ? [name] : []));
  for (const name of names) sub.absent.delete(name);
  foldGone(stream, sub, new Map(names.map((name) => [name, UNKNOWN])));
}
