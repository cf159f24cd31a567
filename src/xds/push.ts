/**
 * What a stream is sent next. Nothing is queued: the difference to the newest state is taken when the writer is free, so a slow
 * client skips what it missed and costs no memory.
 */
import { framedSize } from "./encode.ts";
import { afterClustersSent, holdDeadline, isBlocked, lingers, mayRemove } from "./hold.ts";
import { ACK_WAIT_MS, CLIENT_RECEIVE_BYTES, MAX_REMOVED, MEMORY_WAIT_MS, SPLIT_BYTES } from "./limits.ts";
import { typeMetrics } from "./metrics.ts";
import { keyOf, type Payload, WHOLE_VIEW } from "./payload.ts";
import { CLUSTER, HELD_TYPES } from "./resourceTypes.ts";
import { type Stream, viewOf } from "./state.ts";
import { hasWork, inScope, isSent, isSettled, type Subscription } from "./subscription.ts";
import { offerRejected, recordGone, recordSent } from "./subscriptionAnswers.ts";
import type { XdsResource } from "./types.ts";
import { diffFrom, type TypeView, versionWith } from "./view.ts";

/**
 * Sends what there is to send, if the writer is free. Never throws: timers, write callbacks and the fan-out call it, where a defect in
 * one stream would end the process.
 */
export function pump(stream: Stream): void {
  try {
    if (!stream.writing && !stream.ended) writeNext(stream);
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
  const payload = nextPayload(stream);
  if (payload === null) {
    noteRevision(stream);
    return;
  }
  stream.writing = true;
  const own = payload.shared ? 0 : payload.bytes.length;
  outbox.add(own);
  stream.connection.write(payload.bytes, () => {
    outbox.remove(own);
    stream.writing = false;
    pump(stream);
  });
}

function noteRevision(stream: Stream): void {
  if (stream.ordered.length === 0 || stream.ackedRevision === stream.group.revision) return;
  for (const sub of stream.ordered) if (!isSettled(sub, viewOf(stream.group, sub.typeUrl))) return;
  stream.ackedRevision = stream.group.revision;
}

function nextPayload(stream: Stream): Payload | null {
  const now = stream.context.clock.monotonic();
  // A second round, because the last types of the first one may have turned out unchanged, and removals wait for them.
  for (let round = 0; round < 2; round++) {
    let earlierWaits = false;
    for (const sub of stream.ordered) {
      if (sub.retryAt <= now) offerRejected(sub);
      else if (sub.retryAt < Number.POSITIVE_INFINITY) wakeAt(stream, sub.retryAt);
      const view = viewOf(stream.group, sub.typeUrl);
      if (!sub.urgent && (earlierWaits || awaitsAck(stream, sub, now))) {
        earlierWaits ||= hasWork(sub, view);
        continue;
      }
      const payload = nextOfType(stream, sub, now);
      if (payload !== null) return payload;
    }
    if (!stream.ordered.some((sub) => sub.deferred.size > 0)) break;
  }
  return null;
}

/** True while the last response of the type is on its way; wakes the stream when that has lasted too long. */
function awaitsAck(stream: Stream, sub: Subscription, now: number): boolean {
  if (sub.outstanding.size === 0) return false;
  const until = sub.lastSentAt + ACK_WAIT_MS;
  if (until <= now) return false;
  if (!isSent(sub, viewOf(stream.group, sub.typeUrl))) wakeAt(stream, until);
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
  release(stream, sub, now);
  sift(stream, sub, now);
  const payload = sub.fullState ? fullPayload(stream, sub, view) : partialPayload(stream, sub, view);
  // What did not fit follows at once, without waiting for an ACK in between.
  sub.urgent = payload !== null && !sub.fullState && sub.pending.size + sub.absent.size > 0;
  if (payload === null) return null;
  stream.lastNumber = payload.sent.number;
  recordSent(sub, payload.sent, now);
  if (sub.typeUrl === CLUSTER) afterClustersSent(stream, sub, payload.sent);
  count(stream, sub, payload);
  return payload;
}

/** Turns the view's changes since the stream last looked into work. Requests are applied after this: they speak of the view. */
export function fold(stream: Stream, sub: Subscription, view: TypeView): void {
  if (sub.base === view.resources) return;
  const before = sub.base;
  const diff = diffFrom(view, before);
  sub.base = view.resources;
  for (const name of diff.changed) if (inScope(sub, name)) foldChanged(sub, name, before.get(name));
  for (const name of diff.removed) if (inScope(sub, name)) foldRemoved(stream, sub, { name, has: before.get(name) });
}

function foldChanged(sub: Subscription, name: string, before: XdsResource | undefined): void {
  sub.absent.delete(name);
  const waiting = sub.deferred.get(name);
  if (waiting !== undefined && HELD_TYPES.has(sub.typeUrl)) return;
  sub.deferred.delete(name);
  const has = waiting === undefined ? before : waiting.has;
  if (!sub.pending.has(name)) sub.pending.set(name, has);
  if (sub.typeUrl === CLUSTER) sub.touched.set(name, has === undefined || sub.touched.get(name) === true);
}

function foldRemoved(stream: Stream, sub: Subscription, gone: { name: string; has: XdsResource | undefined }): void {
  const { name } = gone;
  recordGone(sub, name);
  const has = sub.pending.has(name) ? sub.pending.get(name) : gone.has;
  sub.touched.delete(name);
  sub.pending.delete(name);
  sub.waived.delete(name);
  const waiting = sub.deferred.get(name);
  sub.deferred.delete(name);
  if (lingers(stream, sub)) defer(stream, sub, { name, has });
  else if (sub.fullState || waiting === undefined || waiting.has !== undefined) remove(sub, name);
}

function remove(sub: Subscription, name: string): void {
  if (sub.delta) sub.absent.add(name);
  else if (sub.fullState) sub.mustAnswer = true;
}

function defer(stream: Stream, sub: Subscription, change: { name: string; has: XdsResource | undefined }): void {
  const deadline = holdDeadline(stream, stream.context.clock.monotonic());
  sub.deferred.set(change.name, { has: change.has, deadline });
  typeMetrics(stream.context.metrics, sub.typeUrl).held += 1;
}

/** Takes back what waited and need not wait any longer. */
function release(stream: Stream, sub: Subscription, now: number): void {
  const view = viewOf(stream.group, sub.typeUrl);
  for (const [name, waiting] of sub.deferred) {
    const resource = view.resources.get(name);
    const expired = waiting.deadline <= now;
    const go = resource ? expired || !isBlocked(stream, resource, now) : mayRemove(stream, waiting.deadline, now);
    if (!go) {
      if (!expired) wakeAt(stream, waiting.deadline);
      continue;
    }
    sub.deferred.delete(name);
    if (resource === undefined) {
      remove(sub, name);
    } else {
      sub.pending.set(name, waiting.has);
      if (expired) sub.waived.add(name);
    }
  }
}

/** Leaves in `pending` only what is to be sent now. */
function sift(stream: Stream, sub: Subscription, now: number): void {
  const view = viewOf(stream.group, sub.typeUrl);
  for (const [name, has] of sub.pending) {
    const resource = view.resources.get(name);
    if (resource === undefined || has?.version === resource.version) {
      sub.pending.delete(name);
      sub.touched.delete(name);
      sub.waived.delete(name);
    } else if (HELD_TYPES.has(sub.typeUrl) && !sub.waived.has(name) && isBlocked(stream, resource, now)) {
      sub.pending.delete(name);
      defer(stream, sub, { name, has });
      wakeAt(stream, sub.deferred.get(name)!.deadline);
    }
  }
}

/** State of the world, LDS and CDS: everything in scope, what waits as the node has it. */
function fullPayload(stream: Stream, sub: Subscription, view: TypeView): Payload | null {
  if (sub.pending.size === 0 && !sub.mustAnswer) return null;
  sub.pending.clear();
  sub.waived.clear();
  sub.mustAnswer = false;
  const held = sub.deferred;
  const instead = [...held].map(([name, waiting]) => [name, waiting.has] as const);
  return stream.context.payloads({
    typeUrl: sub.typeUrl,
    delta: false,
    view,
    version: held.size === 0 ? view.version : versionWith(view, instead),
    key: held.size === 0 && sub.wildcard ? WHOLE_VIEW : null,
    resources: () => fullSet(sub, view),
    removed: [],
    after: stream.lastNumber,
  });
}

function fullSet(sub: Subscription, view: TypeView): XdsResource[] {
  const set: XdsResource[] = [];
  for (const name of sub.wildcard ? view.resources.keys() : sub.names) {
    const resource = view.resources.get(name);
    if (resource !== undefined && !sub.deferred.has(name)) set.push(resource);
  }
  for (const waiting of sub.deferred.values()) if (waiting.has !== undefined) set.push(waiting.has);
  return set;
}

/** Delta, and state of the world of the other types: what is due, as much as fits into one response. */
function partialPayload(stream: Stream, sub: Subscription, view: TypeView): Payload | null {
  if (sub.pending.size + sub.absent.size === 0 && !sub.mustAnswer) return null;
  sub.mustAnswer = false;
  const resources: XdsResource[] = [];
  let size = 0;
  for (const name of sub.pending.keys()) {
    const resource = view.resources.get(name)!;
    size += framedSize(resource, sub.delta);
    if (size > SPLIT_BYTES && resources.length > 0) break;
    resources.push(resource);
    sub.pending.delete(name);
    sub.waived.delete(name);
  }
  const removed: string[] = [];
  for (const name of sub.absent) {
    size += name.length;
    if (size > SPLIT_BYTES && resources.length + removed.length > 0) break;
    if (removed.length >= MAX_REMOVED) break;
    removed.push(name);
    sub.absent.delete(name);
  }
  return stream.context.payloads({
    typeUrl: sub.typeUrl,
    delta: sub.delta,
    view,
    version: view.version,
    key: keyOf(resources, removed, view),
    resources: () => resources,
    removed,
    after: stream.lastNumber,
  });
}

function count(stream: Stream, sub: Subscription, payload: Payload): void {
  const { metrics } = stream.context;
  const counters = typeMetrics(metrics, sub.typeUrl);
  counters.responses += 1;
  counters.resources += payload.sent.resources.length;
  counters.bytes += payload.bytes.length;
  if (sub.fullState && payload.bytes.length > CLIENT_RECEIVE_BYTES) metrics.oversizedResponses += 1;
}
