/**
 * Endpoints that are gone while their cluster is still to go. A node that changed the cluster a moment before asks for them anew; the
 * word that there are none would make it empty a cluster that its routes still lead to. So that word waits like any other removal.
 */
import { foldGone } from "./changes.ts";
import { HOLD_MS } from "./limits.ts";
import { ENDPOINT } from "./resourceTypes.ts";
import type { Group, Stream } from "./state.ts";
import { type Subscription, UNKNOWN } from "./subscription.ts";

/** As long as a removed cluster may wait on a stream of its own. */
const PARTING_MS = 2 * HOLD_MS;

/** The view has lost endpoints. */
export function noteParted({ parted }: Group, names: readonly string[], now: number): void {
  while (parted.length > 0 && now - parted[0]!.at >= PARTING_MS) parted.shift();
  if (names.length > 0) parted.push({ names: new Set(names), at: now });
}

/** The node asked for endpoints: what would be denied, and was there a moment ago, is denied later. */
export function denyLater(stream: Stream, sub: Subscription): void {
  // In a state of the world nobody takes endpoints away.
  if (!sub.delta || sub.typeUrl !== ENDPOINT || sub.absent.size === 0) return;
  const since = stream.context.clock.monotonic() - PARTING_MS;
  const late = stream.group.parted.filter(({ at }) => at > since);
  if (late.length === 0) return;
  const names = late.flatMap((parted) => [...parted.names].filter((name) => sub.absent.has(name)));
  for (const name of names) sub.absent.delete(name);
  foldGone(stream, sub, new Map(names.map((name) => [name, UNKNOWN])));
}
