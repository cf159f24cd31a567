/**
 * Streams that stand at the same point are sent the same. What a change made of the first of them is noted, and done again for those that
 * stand where it stood: mostly all nodes of a fleet have what they were sent, and wait for nothing.
 */
import { MAX_REPEATS } from "./limits.ts";
import type { Payload } from "./payload.ts";
import { noteSent } from "./sent.ts";
import { type Repeat, type Response, type Standing, type Stream, viewOf } from "./state.ts";
import type { Had, Subscription } from "./subscription.ts";
import { dropOldFresh, noteWarmed } from "./warming.ts";

/** True when the view has moved on and the stream has nothing else to do: then it may be a repeat, or one for others. */
export function isBehind(stream: Stream, now: number): boolean {
  const { group, ordered } = stream;
  dropOldFresh(stream, now);
  let behind = false;
  for (const sub of ordered) behind ||= sub.base !== viewOf(group, sub.typeUrl).resources;
  // What streams of single types see of each other, and virtual hosts that come one by one, is not in their standing.
  if (!behind || stream.method.typeUrl !== null || group.onDemand.size > 0) return false;
  return stream.returningUntil <= now && isClear(stream) && ordered.every((sub) => sub.outstanding.size === 0);
}

/** Where it stands, to be noted before anything is done. */
export function standingOf({ method, node, ordered, owed }: Stream): Standing {
  const stands = ordered.map(({ typeUrl, ttl, base, wildcard, names }) => ({
    typeUrl,
    ttl,
    base,
    wildcard,
    names: names.same,
  }));
  return { method, userAgent: node.userAgent, stands, owed: owed.length };
}

/** What was done for another that stood where this one stands; null: there was none. */
export function findRepeat(stream: Stream): Repeat | null {
  for (const repeat of stream.group.repeats) if (isAt(stream, repeat.from) && isNewer(stream, repeat)) return repeat;
  return null;
}

/** Notes what was done for a stream, when that is all there was to do and others may be sent the same. */
export function noteRepeat(stream: Stream, from: Standing, payloads: readonly Payload[]): void {
  const { group, ordered, owed, warmed } = stream;
  if (!isClear(stream) || owed.length !== from.owed || payloads.some(({ shared }) => !shared)) return;
  const responses: Response[] = [];
  for (const payload of payloads) {
    const place = ordered.findIndex((sub) => sub.outstanding.has(payload.sent.nonce));
    const sent = ordered[place]?.outstanding.get(payload.sent.nonce);
    if (sent === undefined || sent.offered !== null || ordered[place]!.outstanding.size !== 1) return;
    responses.push({ payload, place, sent, isWarmed: warmed.some(({ response }) => response === sent.response) });
  }
  if (group.repeats.length >= MAX_REPEATS) group.repeats.shift();
  group.repeats.push({ from, bases: ordered.map(({ base }) => base), responses, payloads });
}

/** Does for a stream what was done for the other. */
export function repeat(stream: Stream, { bases, responses }: Repeat, now: number): void {
  const { ordered } = stream;
  for (const [place, base] of bases.entries()) ordered[place]!.base = base;
  for (const { payload, place, sent, isWarmed } of responses) {
    const { response, offered, trial } = sent;
    const own = { response, offered, trial, at: now, had: copyOf(sent.had), left: copyOf(sent.left) };
    noteSent(stream, ordered[place]!, { payload, sent: own });
    if (isWarmed) noteWarmed(stream, own);
  }
}

/** A refusal changes what is noted. */
function copyOf(notes: Had): Had {
  return notes.size === 0 ? notes : new Map(notes);
}

function isAt({ method, node, ordered }: Stream, from: Standing): boolean {
  if (method !== from.method || ordered.length !== from.stands.length || node.userAgent !== from.userAgent)
    return false;
  for (const [place, stand] of from.stands.entries()) {
    const sub = ordered[place]!;
    if (sub.base !== stand.base || sub.names.same !== stand.names || sub.wildcard !== stand.wildcard) return false;
    if (sub.ttl !== stand.ttl || sub.typeUrl !== stand.typeUrl) return false;
  }
  return true;
}

/** Nonces of the stream's own last response, and before, were seen. */
function isNewer(stream: Stream, { responses }: Repeat): boolean {
  return responses.length === 0 || responses[0]!.payload.sent.number > stream.lastNumber;
}

/** True when nothing waits for anything but answers. */
function isClear(stream: Stream): boolean {
  const { fresh, draining, inquiries, ordered } = stream;
  if (fresh.length + draining.size + inquiries.size > 0) return false;
  return ordered.every(isQuiet);
}

function isQuiet(sub: Subscription): boolean {
  const { pending, absent, deferred, leaving, waived, touched, rejected, names } = sub;
  if (pending.size + absent.size + deferred.size + leaving.size > 0) return false;
  if (waived.size + touched.size + rejected.size + sub.trials.length > 0) return false;
  if (sub.mustAnswer || sub.urgent || sub.blind || sub.trial || sub.searching || sub.nacked !== null) return false;
  if (sub.doubt !== "none" || sub.postponedUntil > 0) return false;
  // The earliest of what it is woken for.
  if (Math.min(sub.heartbeatAt, sub.retryAt, sub.searchAt) < Number.POSITIVE_INFINITY) return false;
  return sub.wildcard ? names.size === 0 : names.same !== null;
}
