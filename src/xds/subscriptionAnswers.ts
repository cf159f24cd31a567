/** What a response, and the answer to it, do to a subscription. */
import { MAX_OUTSTANDING } from "./limits.ts";
import { bequeath, offers } from "./offers.ts";
import { endRefusal, isSent, type Outstanding, type Subscription, setAcked } from "./subscription.ts";
import { offerUntried } from "./trials.ts";
import type { TypeView } from "./view.ts";

/** Notes a response as sent. */
export function recordSent(sub: Subscription, sent: Outstanding): void {
  const { outstanding } = sub;
  outstanding.push(sent);
  sub.lastSentAt = sent.at;
  sub.sentVersion = sent.response.version;
  if (outstanding.length > MAX_OUTSTANDING) bequeath(outstanding.shift()!, outstanding[0]!);
}

/** The response that a nonce answers; null: unknown, stale, or answered before (so a repeated NACK is one event). */
export function takeAnswered(sub: Subscription, nonce: string): Outstanding | null {
  const place = sub.outstanding.findIndex(({ response }) => response.nonce === nonce);
  if (place < 0) return null;
  // Clients answer in order; what is older was passed over in silence and will not be answered any more.
  const older = sub.outstanding.splice(0, place + 1);
  const sent = older.pop()!;
  for (const passed of older) bequeath(passed, sent);
  return sent;
}

/**
 * The node accepted a response. When that mends a part of what it had refused, whatever was only refused along with it is offered
 * once more. Each such offer needs fewer refused names than the one before, so there is no loop.
 */
export function recordAck(sub: Subscription, sent: Outstanding): void {
  const refused = sub.rejected.size;
  sub.doubt = "none";
  if (refused > 0) {
    for (const name of sub.rejected.keys()) if (offers(sent, name)) sub.rejected.delete(name);
    for (const name of sent.response.removed) sub.rejected.delete(name);
    sub.samplesLeft = Number.POSITIVE_INFINITY;
  }
  if (sub.rejected.size === 0) endRefusal(sub);
  else if (sub.rejected.size < refused && !sent.trial) offerUntried(sub);
  noteVersion(sub, sent.response.version);
}

/**
 * A full state says itself what was held back from it. Of other types a version is the whole view's, and other responses of
 * that version may still be to come, or have been refused.
 */
function noteVersion(sub: Subscription, version: string): void {
  const whole = sub.outstanding.length + sub.pending.size + sub.absent.size + sub.deferred.size === 0;
  if (sub.fullState || (whole && sub.rejected.size === 0)) {
    setAcked(sub, version);
    return;
  }
  sub.partlyAcked = true;
  if (sub.nacked !== null) sub.nacked = { ...sub.nacked, version };
}

/**
 * Of what was accepted in part, nothing is missing any more without having been told: the node has stopped asking for it, or it is again
 * what the node has.
 */
export function noteComplete(sub: Subscription, view: TypeView): void {
  if (!isSent(sub, view)) return;
  if (sub.outstanding.length + sub.rejected.size === 0) setAcked(sub, view.version);
}
