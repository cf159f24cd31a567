/**
 * Answers to what many streams were sent together. Who stands where a repeat left it and accepts what it was sent has nothing more to be
 * done for it: that is one step, and bytes that another has answered with are compared and not read.
 */
import { LIGHT_REQUEST_BYTES } from "./limits.ts";
import { typeMetrics } from "./metrics.ts";
import type { Acceptance, Stream } from "./state.ts";
import { noteTaken } from "./streamEvents.ts";
import { type Subscription, setAcked } from "./subscription.ts";

/** What is asked of an answer that was read. */
export interface Answer {
  readonly node: unknown;
  readonly typeUrl: string;
  readonly nonce: string;
  readonly error: string | null;
  /** It asks for what was asked for before. */
  readonly keepsNames: (sub: Subscription) => boolean;
}

/** Does the step when the bytes, from a place on to their end, are such an answer; false: they are to be read. */
export function takeEcho(stream: Stream, bytes: Buffer, from: number): boolean {
  if (!isWaiting(stream)) return false;
  for (const acceptance of stream.point!.acceptances) {
    const { bit, message } = acceptance;
    if ((stream.unanswered & bit) === 0 || message?.length !== bytes.length - from) continue;
    if (message.compare(bytes, from) === 0) return accept(stream, acceptance);
  }
  return false;
}

/** True when such an answer was not seen yet: it is worth reading a short one at once, since many will follow. */
export function isNew(stream: Stream): boolean {
  if (!isWaiting(stream)) return false;
  return stream.point!.acceptances.some(({ bit, message }) => (stream.unanswered & bit) !== 0 && message === null);
}

/** The same for an answer that was read; others are then known by its bytes. */
export function takeAnswer(stream: Stream, answer: Answer, bytes: Buffer): boolean {
  const { node, typeUrl, nonce, error } = answer;
  if (!isWaiting(stream) || node !== null || error !== null) return false;
  for (const acceptance of stream.point!.acceptances) {
    const { place, bit, response } = acceptance;
    if ((stream.unanswered & bit) === 0 || response.nonce !== nonce) continue;
    const sub = stream.ordered[place]!;
    if (sub.typeUrl !== typeUrl || !answer.keepsNames(sub)) return false;
    // A copy: it may be a part of much more that came from the network.
    if (bytes.length <= LIGHT_REQUEST_BYTES) acceptance.message ??= Buffer.from(bytes);
    return accept(stream, acceptance);
  }
  return false;
}

/** True while nothing but answers is waited for. */
function isWaiting({ point, unanswered, applying, group }: Stream): boolean {
  return unanswered !== 0 && point !== null && !applying && point.change === group.changes;
}

/** At a point nothing is held, refused or owed, and of each type one response at most is on its way: what it brought is all there is. */
function accept(stream: Stream, { place, bit, response }: Acceptance): boolean {
  const sub = stream.ordered[place]!;
  // Names that it was told of and that are counted until now are settled where requests are.
  if (sub.lostBytes > 0 || sub.outstanding[0]?.response !== response) return false;
  sub.outstanding.pop();
  typeMetrics(stream.context.metrics, sub.typeUrl).acks += 1;
  setAcked(sub, response.version);
  stream.unanswered ^= bit;
  if (stream.unanswered === 0) noteTaken(stream);
  return true;
}
