/** What a response, and the answer to it, do to a subscription. */
import { MAX_OUTSTANDING, MAX_REFUSED_NAMES, RETRY_FIRST_MS, RETRY_MAX_MS } from "./limits.ts";
import { demand, dropRejected, endRefusal, inScope, type SentResponse, type Subscription } from "./subscription.ts";
import type { NodeTypeStatus } from "./types.ts";

/** Notes a response as sent. */
export function recordSent(sub: Subscription, sent: SentResponse, now: number): void {
  sub.outstanding.set(sent.nonce, sent);
  sub.lastSentAt = now;
  sub.sentVersion = sent.version;
  if (sub.outstanding.size <= MAX_OUTSTANDING) return;
  for (const oldest of sub.outstanding.keys()) {
    sub.outstanding.delete(oldest);
    break;
  }
}

/** The response that a nonce answers; null: unknown, stale, or answered before (so a repeated NACK is one event). */
export function takeAnswered(sub: Subscription, nonce: string): SentResponse | null {
  const sent = sub.outstanding.get(nonce);
  if (sent === undefined) return null;
  // Clients answer in order; what is older was passed over in silence and will not be answered any more.
  for (const older of sub.outstanding.keys()) {
    sub.outstanding.delete(older);
    if (older === nonce) break;
  }
  return sent;
}

/**
 * The node accepted a response. When that mends a part of what it had refused, the rest is offered once more: a node may drop a
 * whole response for one bad resource. Each such offer needs fewer refused names than the one before, so there is no loop.
 */
export function recordAck(sub: Subscription, sent: SentResponse): void {
  sub.ackedVersion = sent.version;
  const refused = sub.rejected.size;
  if (sub.fullState) sub.rejected.clear();
  for (const resource of sub.rejected.size > 0 ? sent.resources : []) sub.rejected.delete(resource.name);
  for (const name of sub.rejected.size > 0 ? sent.removed : []) sub.rejected.delete(name);
  if (sub.rejected.size === 0) endRefusal(sub);
  else if (sub.rejected.size < refused) offerRejected(sub);
}

/** Whatever the node refused is to be sent once more. */
export function offerRejected(sub: Subscription): void {
  sub.retryAt = Number.POSITIVE_INFINITY;
  for (const name of sub.rejected) demand(sub, name);
}

/** Envoy's refusals of a listener whose port another process has, or whose address (a virtual IP) is not on this machine now. */
const PASSING = /cannot bind .*: (?:Address already in use|Cannot assign requested address)/;

/**
 * The node refused a response. It is not sent again (for the node's later state it counts as sent), unless the reason may pass
 * without a change of ours: then it is offered again, ever more seldom.
 */
export function recordNack(sub: Subscription, sent: SentResponse, answer: { message: string; now: number }): void {
  const { message, now } = answer;
  if (PASSING.test(message)) sub.retryAt = now + Math.min(RETRY_FIRST_MS * 2 ** sub.retries++, RETRY_MAX_MS);
  for (const resource of sent.resources) if (inScope(sub, resource.name)) sub.rejected.add(resource.name);
  const resources = sent.resources.slice(0, MAX_REFUSED_NAMES).map((resource) => resource.name);
  sub.nacked = { version: sent.version, message, resources };
}

/** The node's state of the type, for `NodeStatus`. */
export function typeStatus(sub: Subscription): NodeTypeStatus {
  return { typeUrl: sub.typeUrl, sent: sub.sentVersion, acked: sub.ackedVersion, nacked: sub.nacked };
}

/** Ends the memory of a refusal of a resource that is gone from the view. */
export function recordGone(sub: Subscription, name: string): void {
  dropRejected(sub, name);
}
