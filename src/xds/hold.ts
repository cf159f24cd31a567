/**
 * Make before break on one stream. Order on the wire is not enough: Envoy warms a cluster after it accepted it, and answers 503
 * when a route comes before that. So routes and listeners wait for their new clusters, removals for whatever names what is removed,
 * and a removed listener for the one that takes its place.
 */
import { HOLD_MS, MAX_DEFERRED } from "./limits.ts";
import { isPlainlyReady } from "./readiness.ts";
import { type Ref, refersTo } from "./refs.ts";
import { CLUSTER, HELD_TYPES, REMEMBERED_TYPES, referrersOf } from "./resourceTypes.ts";
import { type Group, type Stream, viewOf } from "./state.ts";
import {
  type Deferred,
  inScope,
  isSent,
  type Outstanding,
  offers,
  type Subscription,
  UNKNOWN,
} from "./subscription.ts";
import type { XdsResource } from "./types.ts";
import { dropOldFresh, isReturning, isUsable, isWarming } from "./warming.ts";

/** True when a route or listener names a cluster that the node is about to get and cannot use yet. */
export function isBlocked(stream: Stream, resource: XdsResource, now: number): boolean {
  const clusters = stream.subs.get(CLUSTER);
  if (clusters === undefined) return isAlone(stream) && namesRecent(stream.group, resource, now);
  dropOldFresh(stream, now);
  const view = viewOf(stream.group, CLUSTER);
  if (stream.fresh.length === 0 && !isReturning(stream) && isSent(clusters, view)) return false;
  if (isPlainlyReady(stream, clusters, resource)) return false;
  for (const [typeUrl, name] of resource.refs) {
    if (typeUrl !== CLUSTER || !view.resources.has(name) || !inScope(clusters, name)) continue;
    if (isWarming(stream, clusters, name) || isUnsentCluster(clusters, name)) return true;
  }
  return false;
}

/** True when the stream is of one type: what the node knows of others cannot be seen, so time has to do. */
function isAlone(stream: Stream): boolean {
  return stream.method.typeUrl !== null;
}

function namesRecent({ recent }: Group, { refs }: XdsResource, now: number): boolean {
  const late = recent.filter(({ at }) => now - at < HOLD_MS);
  if (late.length === 0) return false;
  return refs.some(([typeUrl, name]) => typeUrl === CLUSTER && late.some(({ names }) => names.has(name)));
}

function isUnsentCluster(clusters: Subscription, name: string): boolean {
  if (clusters.pending.has(name)) return clusters.pending.get(name) === undefined;
  return !clusters.base.has(name);
}

/** Until when a change that is blocked now may wait. */
export function holdDeadline(stream: Stream, change: "blocked" | "removal", now: number): number {
  if (!isAlone(stream)) return (stream.fresh.at(-1)?.at ?? now) + HOLD_MS;
  // Routes on another stream may wait as long before they go.
  return change === "removal" ? now + 2 * HOLD_MS : (stream.group.recent.at(-1)?.at ?? now) + HOLD_MS;
}

/** A resource that the node is to lose. */
export interface Gone {
  readonly name: string;
  /** What the node has; undefined: nothing, or not known. */
  readonly has: XdsResource | undefined;
  /** See `Deferred`. */
  readonly after: readonly string[];
}

/** Whether a removal may go: at once, when others are through (or its time is over), or not while what was refused stands. */
type Verdict = "go" | "wait" | "keep";

/** True when a removal has to wait for others on the stream. */
export function lingers(stream: Stream, sub: Subscription, gone: Gone): boolean {
  // Nothing deletes other types in a state of the world; what they name waits for them, if it is on the same stream.
  if (!sub.delta && !sub.fullState && (isAlone(stream) || !HELD_TYPES.has(sub.typeUrl))) return false;
  if (sub.deferred.size >= MAX_DEFERRED) return false;
  return judge(stream, sub, gone) !== "go";
}

/** True when no removal of the type may go now, whatever it is of: there is no need to look at each. */
export function allWait(stream: Stream, sub: Subscription): boolean {
  if (HELD_TYPES.has(sub.typeUrl) || sub.deferredUntil <= stream.context.clock.monotonic()) return false;
  return referrersOf(sub.typeUrl).some((typeUrl) => judgeType(stream, typeUrl) === "wait");
}

/** True when a removal that waited may go now. */
export function mayRemove(stream: Stream, sub: Subscription, gone: Gone & Deferred): boolean {
  const verdict = judge(stream, sub, gone);
  return verdict === "go" || (verdict === "wait" && gone.deadline <= stream.context.clock.monotonic());
}

function judge(stream: Stream, sub: Subscription, gone: Gone): Verdict {
  let verdict: Verdict = "go";
  for (const added of gone.after) {
    const found = judgeReplacement(stream, sub, added);
    if (found === "keep") return found;
    if (found === "wait") verdict = found;
  }
  for (const typeUrl of referrersOf(sub.typeUrl)) {
    const found = judgeReferrers(stream, typeUrl, [sub.typeUrl, gone.name]);
    if (found === "keep") return found;
    if (found === "wait") verdict = found;
  }
  return verdict;
}

/** A listener makes room when the one that came with its removal works; while that is refused, the old one stays. */
function judgeReplacement(stream: Stream, sub: Subscription, added: string): Verdict {
  if (!viewOf(stream.group, sub.typeUrl).resources.has(added)) return "go";
  if (sub.rejected.has(added) || sub.pending.has(added) || sub.deferred.has(added)) return "keep";
  for (const sent of sub.outstanding.values()) if (offers(sent, added) && isAnswerDue(stream, sent)) return "keep";
  return isUsable(stream, sub.typeUrl, added) ? "go" : "wait";
}

/** Whether the node may have, or may be about to have, a resource of this type that names what is removed. */
function judgeReferrers(stream: Stream, typeUrl: string, ref: Ref): Verdict {
  const sub = stream.subs.get(typeUrl);
  if (sub === undefined) return judgeType(stream, typeUrl);
  for (const { has, resource } of sub.rejected.values()) {
    if (mayName(has, ref) || mayName(resource, ref)) return "keep";
  }
  // These go when their own time has come.
  for (const { has } of sub.deferred.values()) if (mayName(has, ref)) return "keep";
  for (const sent of sub.outstanding.values()) {
    if (!someNames(sent.had.values(), ref) && !someNames(sent.left.values(), ref)) continue;
    if (isAnswerDue(stream, sent)) return "keep";
  }
  return judgeType(stream, typeUrl);
}

/** Whether resources of a type are still to come, to change, to go or to be answered. */
function judgeType(stream: Stream, typeUrl: string): "go" | "wait" {
  const sub = stream.subs.get(typeUrl);
  if (sub === undefined) return mayStillCome(stream, typeUrl) ? "wait" : "go";
  return sub.outstanding.size === 0 && isSent(sub, viewOf(stream.group, typeUrl)) ? "go" : "wait";
}

/** True while an answer may still come; some never do. */
function isAnswerDue(stream: Stream, sent: Outstanding): boolean {
  const until = sent.at + HOLD_MS;
  if (until <= stream.context.clock.monotonic()) return false;
  stream.dueAt = Math.min(stream.dueAt, until);
  return true;
}

/** A node that comes back asks for one type after the other; with a stream for each type, others cannot be seen at all. */
function mayStillCome(stream: Stream, typeUrl: string): boolean {
  return REMEMBERED_TYPES.has(typeUrl) && (isAlone(stream) || isReturning(stream));
}

function someNames(resources: Iterable<XdsResource | undefined>, ref: Ref): boolean {
  for (const resource of resources) if (mayName(resource, ref)) return true;
  return false;
}

function mayName(resource: XdsResource | undefined, ref: Ref): boolean {
  return resource !== undefined && (resource === UNKNOWN || refersTo(resource, ref));
}
