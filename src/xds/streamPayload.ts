/** The payload of a response on one stream: what of it follows from the stream and the subscription is said here, once. */
import type { Payload, PayloadRequest } from "./payload.ts";
import type { Stream } from "./state.ts";
import type { Subscription } from "./subscription.ts";

/** What is particular to one response. */
type Content = Pick<PayloadRequest, "view" | "version" | "key" | "resources" | "removed">;

/** A shared payload, or a newly encoded one. */
export function streamPayload(stream: Stream, { typeUrl, delta, ttl }: Subscription, content: Content): Payload {
  const isTimed = ttl && content.view.timed.length > 0;
  return stream.context.payloads({ typeUrl, delta, ttl: isTimed, after: stream.lastNumber, ...content });
}
