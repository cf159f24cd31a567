/** What the view's changes mean for one type of a stream: what is to be sent now, and what waits for other types. */
import { finish, type Steps, shouldYield } from "../util/steps.ts";
import { isAnsweredHollow, tellByOwnName } from "./aliases.ts";
import { dropDrained, noteDraining } from "./draining.ts";
import { allWait, type Gone, holdDeadline, isBlocked, judgeAgain, mustWait } from "./hold.ts";
import { keptFor, sendKept } from "./kept.ts";
import { typeMetrics } from "./metrics.ts";
import { lastOffered } from "./offers.ts";
import { followersOf, HELD_TYPES, LISTENER } from "./resourceTypes.ts";
import { type Stream, viewOf } from "./state.ts";
import { type Deferred, dropRejected, inScope, type Subscription, UNKNOWN } from "./subscription.ts";
import { offer } from "./trials.ts";
import type { XdsResource } from "./types.ts";
import { type Diff, diffFrom, NO_RESOURCES, type ResourceMap, type TypeView } from "./view.ts";

/** Turns the view's changes since the stream last looked into work. Requests are applied after this: they speak of the view. */
export function fold(stream: Stream, sub: Subscription, view: TypeView): void {
  if (sub.base === view.resources) return;
  const before = sub.base;
  sub.base = view.resources;
  if (before === NO_RESOURCES && startsWhole(stream, sub, view)) return;
  const diff = diffFrom(view, before);
  const after = diff.removed.length === 0 ? [] : replacements(sub, diff, before);
  for (const name of diff.changed) if (inScope(sub, name)) foldChanged(sub, name, before.get(name));
  for (const name of diff.removed)
    if (inScope(sub, name)) foldRemoved(stream, sub, { name, has: before.get(name), after });
  if (diff.aliased) tellByOwnName(sub, { diff, before, view });
}

/** A node that has nothing is to get everything: noted at once for all of it. False: this is not so simple here. */
function startsWhole(stream: Stream, sub: Subscription, view: TypeView): boolean {
  const { pending, absent, deferred, leaving, touched, rejected } = sub;
  if (!sub.wildcard || sub.names.size > 0) return false;
  if (pending.size + absent.size + deferred.size + leaving.size + touched.size + rejected.size > 0) return false;
  const cohort = stream.context.nameSets.everything.cohort(view);
  if (cohort === null) return false;
  pending.share(cohort, undefined);
  if (followersOf(sub.typeUrl).length > 0) touched.share(cohort, true);
  return true;
}

/** Listeners that came as others went: one of them may have taken the place of a removed one, on another port or address. */
function replacements(sub: Subscription, diff: Diff, before: ResourceMap): readonly string[] {
  if (sub.typeUrl !== LISTENER) return [];
  return diff.changed.filter((name) => !before.has(name) && inScope(sub, name));
}

function foldChanged(sub: Subscription, name: string, before: XdsResource | undefined): void {
  sub.kept.delete(name);
  const leaving = sub.leaving.get(name) ?? (sub.delta && sub.absent.has(name) ? UNKNOWN : undefined);
  sub.leaving.delete(name);
  sub.absent.delete(name);
  const waiting = sub.deferred.get(name);
  // A change that waits takes the newest content with it; a removal that waited is over, and so is its time.
  if (waiting !== undefined && before !== undefined && HELD_TYPES.has(sub.typeUrl)) return;
  const has = hasNow(sub, name, before) ?? leaving;
  sub.deferred.delete(name);
  // What was refused together with others may be there all the same: it is sent even when it is what the node had before.
  if (sub.rejected.get(name)?.alone === false) sub.pending.set(name, sub.fullState ? undefined : UNKNOWN);
  else if (!sub.pending.has(name)) sub.pending.set(name, has);
  if (followersOf(sub.typeUrl).length > 0) {
    sub.touched.set(name, has === undefined || sub.touched.get(name) === true);
  }
}

function foldRemoved(stream: Stream, sub: Subscription, gone: Gone): void {
  const { name } = gone;
  const waiting = sub.deferred.get(name);
  const has = hasNow(sub, name, gone.has);
  // It was to be sent for something that is gone by now as well, and may stay at the node.
  const kept = sub.pending.has(name) && has === undefined ? keptFor(stream, sub, name) : undefined;
  dropRejected(sub, name);
  sub.touched.delete(name);
  sub.pending.delete(name);
  sub.kept.delete(name);
  sub.waived.delete(name);
  sub.deferred.delete(name);
  const isDeferred = mustWait(stream, sub, { ...gone, has });
  if (isDeferred) defer(stream, sub, { ...gone, has: has ?? kept });
  else if (sub.fullState || waiting === undefined || waiting.has !== undefined) removeFrom(stream, sub, { name, has });
  if (kept !== undefined && (isDeferred || !sub.delta)) sendKept(sub, name, kept);
}

/** What the node has of a name that the view had as `before`. */
function hasNow(sub: Subscription, name: string, before: XdsResource | undefined): XdsResource | undefined {
  const waiting = sub.deferred.get(name);
  if (waiting !== undefined) return waiting.has;
  if (sub.pending.has(name)) return sub.pending.get(name);
  const refused = sub.rejected.get(name);
  if (refused === undefined) return before;
  // Offered again and not answered yet: it may have that by now. A full state has to say which; a refusal will correct it.
  const offered = lastOffered(sub, name);
  if (offered === undefined) return refused.has;
  return sub.fullState ? offered : UNKNOWN;
}

/** What a node that came back (delta) has and is to lose. */
export function* foldGoneSteps(stream: Stream, sub: Subscription, gone: ReadonlyMap<string, XdsResource>): Steps<void> {
  let done = 0;
  const added = sub.typeUrl === LISTENER ? [...sub.pending].filter(([, has]) => has === undefined) : [];
  const after = added.map(([name]) => name);
  for (const [name, has] of gone) {
    foldRemoved(stream, sub, { name, has, after });
    if (shouldYield(done++)) yield;
  }
}

/** The same for a few. */
export function foldGone(stream: Stream, sub: Subscription, gone: ReadonlyMap<string, XdsResource>): void {
  finish(foldGoneSteps(stream, sub, gone));
}

function removeFrom(stream: Stream, sub: Subscription, gone: Pick<Gone, "name" | "has">): void {
  remove(sub, gone.name, gone.has);
  noteDraining(stream, sub, gone);
}

function remove(sub: Subscription, name: string, has: XdsResource | undefined): void {
  if (sub.kept.delete(name)) sub.pending.delete(name);
  if (has !== undefined && (sub.delta || sub.fullState)) sub.leaving.set(name, has);
  if (sub.delta) sub.absent.set(name, true);
  else if (sub.fullState) sub.mustAnswer = true;
}

function defer(stream: Stream, sub: Subscription, change: Gone): void {
  const { name, has, after } = change;
  const kind = viewOf(stream.group, sub.typeUrl).resources.has(name) ? "blocked" : "removal";
  const deadline = holdDeadline(stream, kind, stream.context.clock.monotonic());
  sub.deferred.set(name, { has, deadline, after });
  sub.lingersFor = null;
  sub.deferredUntil = Math.min(sub.deferredUntil, deadline);
  stream.dueAt = Math.min(stream.dueAt, deadline);
  typeMetrics(stream.context.metrics, sub.typeUrl).held += 1;
}

/** Takes back what waited and need not wait any longer. */
export function release(stream: Stream, sub: Subscription, now: number): void {
  if (sub.deferred.size === 0) return;
  dropDrained(stream, now);
  if (sub.lingersFor === stream.draining) return;
  sub.lingersFor = null;
  if (allWait(stream, sub)) {
    stream.dueAt = Math.min(stream.dueAt, sub.deferredUntil);
    return;
  }
  const view = viewOf(stream.group, sub.typeUrl);
  let until = Number.POSITIVE_INFINITY;
  let lingering = 0;
  for (const [name, waiting] of sub.deferred) {
    const resource = view.resources.get(name);
    const verdict = judgeWaiting(stream, sub, { name, resource, waiting });
    if (verdict === "linger") lingering += 1;
    if (verdict !== "go") {
      until = Math.min(until, waiting.deadline);
      if (waiting.deadline > now) stream.dueAt = Math.min(stream.dueAt, waiting.deadline);
      continue;
    }
    sub.deferred.delete(name);
    if (resource === undefined) {
      removeFrom(stream, sub, { name, has: waiting.has });
    } else {
      sub.pending.set(name, waiting.has);
      if (waiting.deadline <= now) sub.waived.set(name, true);
    }
  }
  sub.deferredUntil = until;
  if (lingering > 0 && lingering === sub.deferred.size) sub.lingersFor = stream.draining;
}

function judgeWaiting(
  stream: Stream,
  sub: Subscription,
  change: { name: string; resource: XdsResource | undefined; waiting: Deferred },
): ReturnType<typeof judgeAgain> {
  const { name, resource, waiting } = change;
  if (resource === undefined) return judgeAgain(stream, sub, { ...waiting, name });
  const now = stream.context.clock.monotonic();
  return waiting.deadline <= now || !isBlocked(stream, resource, now) ? "go" : "wait";
}

/** Leaves in `pending` only what is to be sent now. */
export function sift(stream: Stream, sub: Subscription, now: number): void {
  const view = viewOf(stream.group, sub.typeUrl);
  const isHeld = HELD_TYPES.has(sub.typeUrl);
  // A cohort's resources are there, and the node has none of them.
  if (!isHeld && sub.pending.shared?.cohort.view === view) return;
  for (const [name, has] of sub.pending) {
    const resource = view.resources.get(name);
    if (resource === undefined && (sub.kept.has(name) || isAnsweredHollow(sub, name))) continue;
    if (resource === undefined || has?.version === resource.version) {
      // The node has it already: what it refused instead is over.
      if (resource !== undefined) dropRejected(sub, name);
      sub.pending.delete(name);
      sub.touched.delete(name);
      sub.waived.delete(name);
    } else if (isHeld && !sub.waived.has(name) && isBlocked(stream, resource, now)) {
      sub.pending.delete(name);
      defer(stream, sub, { name, has, after: [] });
    }
  }
}

/**
 * The node refused resources because of what it still has and is to lose: that goes first for once, in the same response.
 * Without it they would stand in each other's way for ever.
 */
export function makeRoom(sub: Subscription, view: TypeView, refused: readonly string[]): void {
  const names = new Set(refused);
  const freed = new Set<string>();
  for (const [name, { after, has }] of sub.deferred) {
    if (view.resources.has(name) || !after.some((added) => names.has(added))) continue;
    sub.deferred.delete(name);
    remove(sub, name, has);
    for (const added of after) if (names.has(added)) freed.add(added);
  }
  offer(sub, [...freed]);
}
