/** What is noted of a response that goes out. */
import { CLIENT_RECEIVE_BYTES } from "./limits.ts";
import { typeMetrics } from "./metrics.ts";
import type { Payload } from "./payload.ts";
import type { Stream } from "./state.ts";
import { secretsEvent } from "./streamEvents.ts";
import type { Outstanding, Subscription } from "./subscription.ts";
import { recordSent } from "./subscriptionAnswers.ts";

/** Notes it with the stream and the subscription, and counts it. */
export function noteSent(stream: Stream, sub: Subscription, out: { payload: Payload; sent: Outstanding }): void {
  const { payload, sent } = out;
  stream.lastNumber = payload.sent.number;
  recordSent(sub, sent);
  const { metrics } = stream.context;
  const counters = typeMetrics(metrics, sub.typeUrl);
  counters.responses += 1;
  counters.resources += payload.sent.resources.length;
  counters.bytes += payload.bytes.length;
  if (payload.opened.length > 0) stream.context.onSecrets(secretsEvent(stream, payload.opened));
  if (sub.fullState && payload.bytes.length > CLIENT_RECEIVE_BYTES) metrics.oversizedResponses += 1;
}
