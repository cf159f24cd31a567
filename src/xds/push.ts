/**
 * What a stream is sent next. Nothing is queued: the difference to the newest state is taken when the writer is free, so a slow
 * client skips what it missed and costs no memory.
 */
import { servedWith, unknownResource } from "./aliases.ts";
import { fold, release, sift } from "./changes.ts";
import { cohortPayload, isAllNew } from "./cohortPayload.ts";
import { resendDependants } from "./dependants.ts";
import { framedSize, toldSize } from "./encode.ts";
import { heartbeatPayload } from "./heartbeats.ts";
import type { History } from "./history.ts";
import { followInquiry } from "./inquiries.ts";
import { ACK_WAIT_MS, HOLD_MS, MAX_REMOVED, MEMORY_WAIT_MS, PAIRED_BYTES, SPLIT_BYTES } from "./limits.ts";
import type { ReadonlyNotes } from "./notes.ts";
import { isOffered } from "./offers.ts";
import { type Due, keyOf, keyOfHeld, type Payload, WHOLE_VIEW } from "./payload.ts";
import { isPostponed } from "./presumed.ts";
import { type Next, nextTogether } from "./repeats.ts";
import { noteSent } from "./sent.ts";
import { type Stream, viewOf } from "./state.ts";
import { noteRevision } from "./streamEvents.ts";
import { streamPayload } from "./streamPayload.ts";
import { hasWork, isIdle, isSent, type Subscription } from "./subscription.ts";
import { offerPassing, offerTrial, offerUntried } from "./trials.ts";
import { startHeartbeats } from "./ttl.ts";
import type { XdsResource } from "./types.ts";
import { type TypeView, versionWith } from "./view.ts";
import { afterSent, dropOldFresh } from "./warming.ts";

/**
 * Sends what there is to send, if the writer is free. Never throws: timers, write callbacks and the fan-out call it, where a defect in
 * one stream would end the process.
 */
export function pump(stream: Stream): void {
  try {
    if (stream.writing) stream.missed = true;
    else if (!stream.applying && !stream.ended) writeNext(stream);
  } catch (error) {
    stream.context.onDefect(stream, error);
  }
}

function writeNext(stream: Stream): void {
  const { outbox, context } = stream;
  if (!outbox.hasRoom()) {
    wakeAt(stream, context.clock.monotonic() + MEMORY_WAIT_MS);
    return;
  }
  const now = context.clock.monotonic();
  const together = nextTogether(stream, now, nextPayloads);
  if (together.messages.length > 0) send(stream, together);
  else noteRevision(stream);
}

/**
 * A change and what follows from it, such as a cluster's endpoints, go together: a write costs as much as making what is written. More
 * would be old when a slow client takes it.
 */
function nextPayloads(stream: Stream): readonly Payload[] {
  const payload = nextPayload(stream);
  if (payload === null) return [];
  const second = payload.bytes.length < PAIRED_BYTES ? nextPayload(stream) : null;
  return second === null ? [payload] : [payload, second];
}

function send(stream: Stream, { messages, own, mayBeMore }: Next): void {
  const { outbox } = stream;
  stream.writing = true;
  stream.missed = mayBeMore && (messages.length > 1 || messages[0]![0]!.length >= PAIRED_BYTES);
  if (own > 0) outbox.add(own);
  stream.connection.write(messages, () => {
    if (own > 0) outbox.remove(own);
    stream.writing = false;
    if (stream.missed) pump(stream);
  });
}

function nextPayload(stream: Stream): Payload | null {
  const now = stream.context.clock.monotonic();
  dropOldFresh(stream, now);
  stream.dueAt = stream.fresh.length > 0 ? stream.fresh[0]!.at + HOLD_MS : Number.POSITIVE_INFINITY;
  // A second round, because the last types of the first one may have turned out unchanged, and removals wait for them.
  for (let round = 0; round < 2; round++) {
    let earlierWaits = false;
    for (const sub of stream.ordered) {
      const view = viewOf(stream.group, sub.typeUrl);
      if (stream.inquiries.size === 0 && isIdle(sub, view)) continue;
      if (sub.retryAt <= now) offerPassing(sub);
      if (sub.searchAt <= now) offerUntried(sub);
      stream.dueAt = Math.min(stream.dueAt, sub.retryAt, sub.searchAt);
      const heartbeat = heartbeatPayload(stream, sub, now);
      stream.dueAt = Math.min(stream.dueAt, sub.heartbeatAt);
      if (heartbeat !== null) return heartbeat;
      if (isPostponed(stream, sub, now)) continue;
      if (!sub.urgent && (earlierWaits || awaitsAck(stream, sub, now))) {
        earlierWaits ||= hasWork(sub, view);
        continue;
      }
      const payload = nextOfType(stream, sub, now);
      if (payload !== null) return payload;
    }
    if (!stream.ordered.some((sub) => sub.deferred.size > 0)) break;
  }
  if (stream.dueAt < Number.POSITIVE_INFINITY) wakeAt(stream, stream.dueAt);
  return null;
}

/** True while the last response of the type is on its way; wakes the stream when that has lasted too long. */
function awaitsAck(stream: Stream, sub: Subscription, now: number): boolean {
  if (sub.outstanding.length === 0) return false;
  const until = sub.lastSentAt + ACK_WAIT_MS;
  if (until <= now) return false;
  if (!isSent(sub, viewOf(stream.group, sub.typeUrl))) stream.dueAt = Math.min(stream.dueAt, until);
  return true;
}

/** Pumps again at that time; one timer per stream. */
function wakeAt(stream: Stream, time: number): void {
  if (stream.wakeAt <= time) return;
  stream.cancelWake();
  stream.wakeAt = time;
  const { clock } = stream.context;
  stream.cancelWake = clock.after(Math.max(1, Math.ceil(time - clock.monotonic())), () => {
    stream.wakeAt = Number.POSITIVE_INFINITY;
    pump(stream);
  });
}

function nextOfType(stream: Stream, sub: Subscription, now: number): Payload | null {
  const view = viewOf(stream.group, sub.typeUrl);
  fold(stream, sub, view);
  offerTrial(sub, view, now);
  followInquiry(stream, sub);
  offerTrial(sub, view, now);
  stream.dueAt = Math.min(stream.dueAt, sub.searchAt);
  release(stream, sub, now);
  sift(stream, sub, now);
  const due = sub.fullState ? fullPayload(stream, sub, view) : partialPayload(stream, sub, view);
  const { trial } = sub;
  // What did not fit follows at once, without waiting for an ACK in between.
  sub.urgent = due !== null && !sub.fullState && sub.pending.size + sub.absent.size > 0;
  sub.trial = trial && sub.urgent;
  if (due === null) return null;
  const { payload, offered, had, left, allNew } = due;
  const sent = { response: payload.sent, at: now, offered, had, left, trial };
  noteSent(stream, sub, { payload, sent });
  afterSent(stream, sub, { sent, allNew });
  resendDependants(stream, sub, payload.sent);
  startHeartbeats(sub, view, now);
  return payload;
}

/** State of the world, LDS and CDS: everything in scope, what waits and what was refused as the node has it. */
function fullPayload(stream: Stream, sub: Subscription, view: TypeView): Due | null {
  if (sub.pending.size + sub.absent.size === 0 && !sub.mustAnswer) return null;
  // What it has would be deleted by its absence. (Of what is to go nobody knows the content: it cannot be kept, nor wait for others.)
  if (sub.blind && [...sub.deferred].some(([name, { has }]) => has === undefined && view.resources.has(name)))
    return null;
  const missing = takeMissing(sub);
  const allNew = isAllNew(sub);
  if (allNew) sub.touched.clear();
  const offered = sub.pending.take();
  sub.waived.clear();
  sub.mustAnswer = false;
  sub.blind = false;
  const held = heldBack(sub, offered);
  const scope = sub.wildcard ? null : sub.names.same;
  const payload = streamPayload(stream, sub, {
    view,
    version: held.length === 0 ? view.version : versionWith(view, held),
    key: missing.length > 0 || (!sub.wildcard && scope === null) ? null : keyOfHeld(held, scope),
    resources: () => fullSet(sub, view, held),
    removed: missing,
  });
  // Of names alone it would tell what the node has of these, and the version is of all.
  if (held.length > 0 && sub.wildcard) noteHeld(stream.group.history.get(sub.typeUrl), view, payload.sent);
  const left = new Map(sub.leaving);
  sub.leaving.clear();
  return { payload, offered, had: offered, left, allNew };
}

/**
 * Takes names off that have been told. Mostly that is all of them, and then the table is a new one: one that is filled and emptied over and
 * over leaves a chain of tables behind, which only a collection of the whole heap takes away.
 */
function forgetTold(sub: Subscription, told: readonly string[]): void {
  if (told.length === sub.absent.size) sub.absent.clear();
  else for (const name of told) sub.absent.delete(name);
}

/** What is not there; a full state cannot be split, so what is too much for one response is left to the client's own timer. */
function takeMissing(sub: Subscription): string[] {
  const missing: string[] = [];
  let size = 0;
  for (const name of sub.absent.keys()) {
    size += toldSize(name, false);
    if (size > SPLIT_BYTES) break;
    missing.push(name);
  }
  sub.absent.clear();
  return missing;
}

/** What a set was that is not the view's. A label now stands for both. */
function noteHeld(history: History | undefined, view: TypeView, sent: Payload["sent"]): void {
  if (view.label === null) history?.note(sent.version, sent.resources);
  else history?.forget(view.label);
}

/** Names that stand in a full response as the node has them. */
function heldBack(
  sub: Subscription,
  offered: ReadonlyNotes<unknown>,
): readonly (readonly [string, XdsResource | undefined])[] {
  const held = new Map<string, XdsResource | undefined>();
  // What is being offered stays so in the next response, or that would take it back.
  for (const [name, { has }] of sub.rejected) if (!offered.has(name) && !isOffered(sub, name)) held.set(name, has);
  for (const [name, { has }] of sub.deferred) held.set(name, has);
  return [...held];
}

function fullSet(
  sub: Subscription,
  view: TypeView,
  held: readonly (readonly [string, XdsResource | undefined])[],
): XdsResource[] {
  const set: XdsResource[] = [];
  const out = new Set(held.map(([name]) => name));
  for (const name of sub.wildcard ? view.resources.keys() : sub.names) {
    const resource = view.resources.get(name);
    if (resource !== undefined && !out.has(name)) set.push(resource);
  }
  for (const [, instead] of held) if (instead !== undefined) set.push(instead);
  // Under two of its names a resource is still one.
  return view.resources === view.source ? set : [...new Set(set)];
}

/** Delta, and state of the world of the other types: what is due, as much as fits into one response. */
function partialPayload(stream: Stream, sub: Subscription, view: TypeView): Due | null {
  if (sub.pending.size + sub.absent.size === 0 && !sub.mustAnswer) return null;
  sub.mustAnswer = false;
  const { shared } = sub.pending;
  if (shared?.cohort.view === view && sub.absent.size === 0) return cohortPayload(stream, sub, shared);
  const had = new Map<string, XdsResource>();
  const left = new Map<string, XdsResource>();
  const resources: XdsResource[] = [];
  let size = 0;
  let isOfView = true;
  for (const [name, has] of sub.pending) {
    const own = view.resources.get(name);
    const resource = own ?? sub.kept.get(name) ?? unknownResource(sub.typeUrl, name);
    size += framedSize(resource, sub);
    if (size > SPLIT_BYTES && resources.length > 0) break;
    resources.push(resource);
    isOfView &&= own !== undefined;
    if (has !== undefined) had.set(name, has);
    sub.pending.delete(name);
    sub.kept.delete(name);
    sub.waived.delete(name);
    if (view.resources !== view.source) servedWith(sub, resource);
  }
  const removed: string[] = [];
  for (const name of sub.absent.keys()) {
    size += toldSize(name, sub.delta);
    if (size > SPLIT_BYTES && resources.length + removed.length > 0) break;
    if (removed.length >= MAX_REMOVED) break;
    removed.push(name);
    const has = sub.leaving.get(name);
    if (has !== undefined) left.set(name, has);
    sub.leaving.delete(name);
  }
  forgetTold(sub, removed);
  const key = keyOf({ resources, removed, isOfView, likely: sub.trial }, view);
  const payload = streamPayload(stream, sub, {
    view,
    version: view.version,
    key,
    // In one order, whoever comes first: what is refused is tried again in the order of the response.
    resources: () => (key === WHOLE_VIEW ? [...view.resources.values()] : resources),
    removed,
  });
  return { payload, offered: null, had, left, allNew: false };
}
