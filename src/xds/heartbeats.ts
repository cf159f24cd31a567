/** Sends the heartbeats that are due; when they are is in ttl.ts. */
import { keyOf, type Payload } from "./payload.ts";
import { noteSent } from "./sent.ts";
import { type Stream, viewOf } from "./state.ts";
import { streamPayload } from "./streamPayload.ts";
import type { Subscription } from "./subscription.ts";
import { heartbeat } from "./ttl.ts";

/** The next heartbeat of a type, noted as sent; null: none is due. */
export function heartbeatPayload(stream: Stream, sub: Subscription, now: number): Payload | null {
  const view = viewOf(stream.group, sub.typeUrl);
  const beat = heartbeat(sub, view, now);
  if (beat === null) return null;
  const shared = keyOf({ resources: beat.resources, removed: [], isOfView: true, likely: false }, view);
  const payload = streamPayload(stream, sub, {
    view,
    version: beat.version,
    key: shared === null ? null : `heartbeat ${beat.version} ${shared}`,
    resources: () => beat.resources,
    removed: [],
  });
  const nothing = new Map<string, never>();
  const sent = { response: payload.sent, at: now, offered: null, had: nothing, left: nothing, trial: false };
  noteSent(stream, sub, { payload, sent });
  return payload;
}
