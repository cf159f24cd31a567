/**
 * Many nodes refuse one response for the same reason. One of them is asked what was bad in it, and the others are spared the
 * question: they get the rest at once, or nothing when all was refused.
 */
import { HOLD_MS, MAX_INQUIRIES } from "./limits.ts";
import { type Inquiry, type Stream, viewOf } from "./state.ts";
import type { SentResponse, Subscription } from "./subscription.ts";
import { planSamples, spareAccused } from "./trials.ts";

/** A refused response of which none was named: asks, or waits for what another finds. */
export function joinInquiry(
  stream: Stream,
  sub: Subscription,
  refused: { response: SentResponse; message: string; names: readonly string[] },
): void {
  const { response, names } = refused;
  // Protobuf prints messages with another number of spaces in each process, so that nobody parses them.
  const message = refused.message.replace(/\s+/g, " ");
  const { inquiries, clock } = stream.context;
  const now = clock.monotonic();
  const view = viewOf(stream.group, sub.typeUrl);
  const ofView = inquiries.get(view) ?? new Map<string, Inquiry>();
  inquiries.set(view, ofView);
  // Not the response itself: one of the same content may have been encoded again. Should others look alike, the rest is refused, too.
  const key = [response.version, names.length, names[0], names.at(-1)].join("\n");
  const known = ofView.get(key);
  const isOpen = known !== undefined && known.message === message && (known.found !== null || now < known.until);
  if (!isOpen) {
    const inquiry: Inquiry = { message, until: now + HOLD_MS, found: null, followers: new Set() };
    ofView.delete(key);
    ofView.set(key, inquiry);
    if (ofView.size > MAX_INQUIRIES) ofView.delete(ofView.keys().next().value!);
    stream.inquiries.set(sub.typeUrl, { inquiry, leads: true, names });
    return;
  }
  sub.trials.length = 0;
  if (known.found === null) known.followers.add(stream);
  stream.inquiries.set(sub.typeUrl, { inquiry: known, leads: false, names });
}

/** The stream has ended. */
export function leaveInquiries(stream: Stream): void {
  for (const { inquiry } of stream.inquiries.values()) inquiry.followers.delete(stream);
}

/** Says what was found, or takes over what another found. Whoever does not answer in time is waited for no longer. */
export function followInquiry(stream: Stream, sub: Subscription): void {
  const joined = stream.inquiries.get(sub.typeUrl);
  if (joined === undefined) return;
  const { inquiry, leads, names } = joined;
  if (leads) {
    const isBusy = sub.trial || sub.outstanding.length > 0 || (sub.trials.length > 0 && sub.trialsLeft > 0);
    if (isBusy) return;
    inquiry.found = new Map(sub.rejected);
    stream.context.wake(inquiry.followers);
    inquiry.followers.clear();
  } else if (inquiry.found !== null) {
    spareAccused(sub, names, inquiry.found);
  } else if (stream.context.clock.monotonic() < inquiry.until) {
    stream.dueAt = Math.min(stream.dueAt, inquiry.until);
    return;
  } else {
    planSamples(sub, names);
  }
  stream.inquiries.delete(sub.typeUrl);
}
