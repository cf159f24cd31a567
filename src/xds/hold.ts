/**
 * Make before break on one stream. Order on the wire is not enough: Envoy warms a cluster after it accepted it, and answers 503
 * when a route comes before that. So routes and listeners wait for their new clusters, removals for whatever names what is removed,
 * and a removed listener for the one that takes its place.
 */
import { isDrained } from "./draining.ts";
import { HOLD_MS, MAX_DEFERRED } from "./limits.ts";
import { offers } from "./offers.ts";
import { isPlainlyReady } from "./readiness.ts";
import { mayName, type Ref } from "./refs.ts";
import { CLUSTER, HELD_TYPES, REMEMBERED_TYPES, ROUTE, referrersOf } from "./resourceTypes.ts";
import { type Stream, viewOf } from "./state.ts";
import { type Deferred, inScope, isInUse, isSent, type Outstanding, type Subscription } from "./subscription.ts";
import type { XdsResource } from "./types.ts";
import { dropOldFresh, isReturning, isUsable, isWarming } from "./warming.ts";

/** True when a route or listener names a cluster that the node is about to get and cannot use yet. */
export function isBlocked(stream: Stream, resource: XdsResource, now: number): boolean {
  const clusters = stream.subs.get(CLUSTER);
  if (clusters === undefined) return isAlone(stream) && namesLate(stream, resource, now);
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

/** Whether it names clusters that another stream of the node may not have got yet: new ones, or any when the node has just come back. */
function namesLate(stream: Stream, { refs }: XdsResource, now: number): boolean {
  if (isReturning(stream)) return refs.some(([typeUrl]) => typeUrl === CLUSTER);
  const late = stream.group.recent.filter(({ at }) => now - at < HOLD_MS);
  if (late.length === 0) return false;
  return refs.some(([typeUrl, name]) => typeUrl === CLUSTER && late.some(({ names }) => names.has(name)));
}

function isUnsentCluster(clusters: Subscription, name: string): boolean {
  if (clusters.pending.has(name)) return clusters.pending.get(name) === undefined;
  return !clusters.base.has(name);
}

/** Until when a change that is blocked now may wait. */
export function holdDeadline(stream: Stream, change: "blocked" | "removal", now: number): number {
  // Routes on another stream may wait as long before they go.
  if (change === "removal") return now + (isAlone(stream) ? 2 * HOLD_MS : HOLD_MS);
  if (isAlone(stream) && isReturning(stream)) return now + HOLD_MS;
  return ((isAlone(stream) ? stream.group.recent : stream.fresh).at(-1)?.at ?? now) + HOLD_MS;
}

/** A resource that the node is to lose. */
export interface Gone {
  readonly name: string;
  /** What the node has; undefined: nothing, or not known. */
  readonly has: XdsResource | undefined;
  /** See `Deferred`. */
  readonly after: readonly string[];
}

/**
 * Whether a removal may go: at once, when old connections have ended, when others are through (or its time is over), or not while what
 * was refused stands. The later ones count more.
 */
const VERDICTS = ["go", "linger", "wait", "keep"] as const;
type Verdict = (typeof VERDICTS)[number];

function later(one: Verdict, other: Verdict): Verdict {
  return VERDICTS.indexOf(one) < VERDICTS.indexOf(other) ? other : one;
}

/** True when a removal has to wait for others on the stream. */
export function mustWait(stream: Stream, sub: Subscription, gone: Gone): boolean {
  // Nothing deletes other types in a state of the world; what they name waits for them, if it is on the same stream.
  if (!sub.delta && !sub.fullState && (isAlone(stream) || !HELD_TYPES.has(sub.typeUrl))) return false;
  if (sub.deferred.size >= MAX_DEFERRED) return false;
  return judge(stream, sub, { ...gone, isPatient: true }) !== "go";
}

/** True when no removal of the type may go now, whatever it is of: there is no need to look at each. */
export function allWait(stream: Stream, sub: Subscription): boolean {
  if (HELD_TYPES.has(sub.typeUrl) || sub.deferredUntil <= stream.context.clock.monotonic()) return false;
  return referrersOf(sub.typeUrl).some((typeUrl) => judgeType(stream, typeUrl) === "wait");
}

/** Whether a removal that waited may go now. */
export function judgeAgain(stream: Stream, sub: Subscription, gone: Gone & Deferred): Verdict {
  return judge(stream, sub, { ...gone, isPatient: gone.deadline > stream.context.clock.monotonic() });
}

/** `isPatient`: its time is not over. Then nobody waits for others to come through, but what is known to be in use stays. */
function judge(stream: Stream, sub: Subscription, gone: Gone & { isPatient: boolean }): Verdict {
  const { isPatient } = gone;
  const ref: Ref = [sub.typeUrl, gone.name];
  let verdict: Verdict = isDrained(stream, ref) ? "linger" : "go";
  const hear = (found: Verdict): void => {
    if (isPatient || found !== "wait") verdict = later(verdict, found);
  };
  for (const added of gone.after) hear(judgeReplacement(stream, sub, added));
  for (const typeUrl of referrersOf(sub.typeUrl)) hear(judgeReferrers(stream, typeUrl, ref));
  if (isStillAsked(stream, sub, gone.name)) hear("wait");
  return verdict;
}

/** A node that asks for clusters by name (gRPC) stops asking for one when it has no use for it any more, which is after its routes. */
function isStillAsked(stream: Stream, sub: Subscription, name: string): boolean {
  return sub.typeUrl === CLUSTER && sub.names.has(name) && (stream.subs.has(ROUTE) || isReturning(stream));
}

/** A listener makes room when the one that came with its removal works; while that is refused, the old one stays. */
function judgeReplacement(stream: Stream, sub: Subscription, added: string): Verdict {
  if (!viewOf(stream.group, sub.typeUrl).resources.has(added)) return "go";
  if (sub.rejected.has(added) || sub.pending.has(added) || sub.deferred.has(added)) return "keep";
  for (const sent of sub.outstanding) if (offers(sent, added) && isAnswerDue(stream, sent)) return "keep";
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
  for (const { has } of sub.deferred.values())
    if (mayName(has, ref)) return sub.lingersFor === null ? "keep" : "linger";
  for (const sent of sub.outstanding) {
    if (!someNames(sent.had.values(), ref) && !someNames(sent.left.values(), ref)) continue;
    if (isAnswerDue(stream, sent)) return "keep";
  }
  return judgeType(stream, typeUrl);
}

/** Whether resources of a type are still to come, to change, to go or to be answered. */
function judgeType(stream: Stream, typeUrl: string): "go" | "wait" {
  const sub = stream.subs.get(typeUrl);
  if (sub === undefined) return mayStillCome(stream, typeUrl) ? "wait" : "go";
  return sub.outstanding.length === 0 && isInUse(sub, viewOf(stream.group, typeUrl)) ? "go" : "wait";
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
