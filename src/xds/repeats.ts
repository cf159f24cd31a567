/**
 * Streams that stand at the same point are sent the same. What a change made of the first of them is noted, and done again for those that
 * stand where it stood: mostly all nodes of a fleet have what they were sent, and wait for nothing.
 */
import { MAX_REPEATS } from "./limits.ts";
import type { Payload } from "./payload.ts";
import { noteSent } from "./sent.ts";
import {
  type Acceptance,
  type Point,
  type Repeat,
  type Response,
  type Standing,
  type Stream,
  viewOf,
} from "./state.ts";
import { hasWork, type Subscription } from "./subscription.ts";
import type { Message } from "./transport.ts";
import { dropOldFresh, noteWarmed } from "./warming.ts";

/** What a stream is sent next. */
export interface Next {
  readonly messages: readonly Message[];
  /** Bytes of them that are kept for this stream alone until its client has taken them. */
  readonly own: number;
  /** There may be more to send at once. */
  readonly mayBeMore: boolean;
}

const NOTHING: Next = { messages: [], own: 0, mayBeMore: false };

/** What a stream is sent next: what was made for another that stood where it stands, or else what `make` makes. */
export function nextTogether(stream: Stream, now: number, make: (stream: Stream) => readonly Payload[]): Next {
  const { group, point } = stream;
  if (point?.change === group.changes) return NOTHING;
  const settled = stream.unanswered === 0 && group.onDemand.size === 0 ? point : null;
  stream.point = null;
  if (settled === null && !isBehind(stream, now)) return nextOf(make(stream), true);
  const found = findRepeat(stream, settled);
  if (found !== null) return repeat(stream, found, now);
  const standing = standingOf(stream, settled);
  const payloads = make(stream);
  noteRepeat(stream, standing, payloads);
  return nextOf(payloads, stream.point === null);
}

function nextOf(payloads: readonly Payload[], mayBeMore: boolean): Next {
  if (payloads.length === 0) return NOTHING;
  let own = 0;
  for (const { bytes, shared } of payloads) own += shared ? 0 : bytes.length;
  return { messages: payloads.map(({ bytes }) => [bytes]), own, mayBeMore };
}

/** True when the view has moved on and the stream has nothing else to do: then it may be a repeat, or one for others. */
function isBehind(stream: Stream, now: number): boolean {
  const { group, ordered } = stream;
  dropOldFresh(stream, now);
  let behind = false;
  for (const sub of ordered) behind ||= sub.base !== viewOf(group, sub.typeUrl).resources;
  // What streams of single types see of each other, and virtual hosts that come one by one, is not in their standing.
  if (!behind || stream.method.typeUrl !== null || group.onDemand.size > 0) return false;
  return stream.returningUntil <= now && isClear(stream) && ordered.every((sub) => sub.outstanding.length === 0);
}

/** Where it stands, to be noted before anything is done. */
function standingOf({ method, node, ordered, owed }: Stream, point: Point | null): Standing {
  const stands = ordered.map(({ typeUrl, ttl, base, wildcard, names }) => ({
    typeUrl,
    ttl,
    base,
    wildcard,
    names: names.same,
  }));
  return { point, method, userAgent: node.userAgent, stands, owed: owed.length };
}

/** What was done for another that stood where this one stands; null: there was none. */
function findRepeat(stream: Stream, point: Point | null): Repeat | null {
  for (const known of stream.group.repeats) {
    const isThere = (point !== null && point === known.from.point) || isAt(stream, known.from);
    if (isThere && isNewer(stream, known)) return known;
  }
  return null;
}

/** Notes what was done for a stream, when others may be sent the same and nothing waits for anything but answers. */
function noteRepeat(stream: Stream, from: Standing, payloads: readonly Payload[]): void {
  const { group, ordered, owed, warmed } = stream;
  if (!isClear(stream) || owed.length !== from.owed || payloads.some(({ shared }) => !shared)) return;
  const responses: Response[] = [];
  const acceptances: Acceptance[] = [];
  for (const [index, payload] of payloads.entries()) {
    const place = ordered.findIndex(({ outstanding }) => outstanding[0]?.response === payload.sent);
    const sent = ordered[place]?.outstanding[0];
    if (sent === undefined || ordered[place]!.outstanding.length !== 1) return;
    responses.push({ payload, place, sent, isWarmed: warmed.some(({ response }) => response === sent.response) });
    acceptances.push({ place, bit: 1 << index, response: sent.response, message: null });
  }
  if (group.repeats.length >= MAX_REPEATS) group.repeats.shift();
  const isAll = ordered.every((sub) => !hasWork(sub, viewOf(group, sub.typeUrl)));
  const point = isAll ? { change: group.changes, acceptances } : null;
  const messages = payloads.map(({ bytes }) => [bytes]);
  group.repeats.push({ from, bases: ordered.map(({ base }) => base), responses, messages, point });
  standAt(stream, point);
}

function standAt(stream: Stream, point: Point | null): void {
  stream.point = point;
  stream.unanswered = point === null ? 0 : (1 << point.acceptances.length) - 1;
}

/** Does for a stream what was done for the other. */
function repeat(stream: Stream, { bases, responses, messages, point }: Repeat, now: number): Next {
  const { ordered } = stream;
  for (let place = 0; place < bases.length; place++) ordered[place]!.base = bases[place]!;
  for (const { payload, place, sent, isWarmed } of responses) {
    // A refusal changes what later responses note, and not what is noted of the only one that is on its way.
    const { response, offered, trial, had, left } = sent;
    const own = { response, offered, trial, at: now, had, left };
    noteSent(stream, ordered[place]!, { payload, sent: own });
    if (isWarmed) noteWarmed(stream, own);
  }
  standAt(stream, point);
  return { messages, own: 0, mayBeMore: point === null };
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
