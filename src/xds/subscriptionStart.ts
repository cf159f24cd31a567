/** What the first request of a type makes of a subscription: a node may come back with what an earlier stream brought it. */
import { type Steps, shouldYield } from "../util/steps.ts";
import { UNKNOWN_VERSION } from "./aliases.ts";
import type { Cohort } from "./cohorts.ts";
import { decodeVersionsSteps } from "./decode.ts";
import { FOREIGN_NAME_BYTES } from "./limits.ts";
import { followersOf, HELD_TYPES, ON_DEMAND_TYPES } from "./resourceTypes.ts";
import { demand, inScope, type Subscription, setAcked, UNKNOWN } from "./subscription.ts";
import type { XdsResource } from "./types.ts";
import { isSameSum, sumOfEntries } from "./versionSum.ts";
import { isVersionOf, type ResourceMap, type TypeView } from "./view.ts";

/** How a type's first request is to be read, and what it says of a node that was here before. */
export interface FirstRequest {
  /** An empty list is a wildcard. */
  readonly legacyWildcard: boolean;
  /** What the type held at a version; undefined: not remembered. */
  readonly at: (version: string) => ResourceMap | undefined;
  readonly find: (name: string, version: string) => XdsResource | undefined;
  /** The node waits for this resource although it may have it; null: for none. */
  readonly isOwed: ((name: string) => boolean) | null;
  /** Set here: the node has resources. */
  returning: boolean;
  /** Set here (state of the world): the version that it has. */
  version: string;
  /** Filled here: what the node has and is to lose, but for full states. */
  readonly gone: Map<string, XdsResource>;
}

/**
 * The client's version is read here and never again. Only a pure wildcard of a full-state type can be trusted: with names, the
 * client may have subscribed to something new while it was away.
 */
export function startSotw(
  sub: Subscription,
  version: string,
  { view, first }: { view: TypeView; first: FirstRequest },
): void {
  first.returning = version !== "";
  first.version = version;
  const had = first.at(version);
  if (!sub.fullState) {
    if (first.returning && HELD_TYPES.has(sub.typeUrl)) noteHad(sub, had, view);
    noteGone(sub, had, { view, first });
    if (!sub.wildcard) sub.base = view.resources;
    else answerNow(sub);
    return;
  }
  if (isVersionOf(view, version) && sub.wildcard && sub.names.size === 0) {
    sub.base = view.resources;
    setAcked(sub, version);
    return;
  }
  sub.blind = first.returning && had === undefined;
  // From there on the view's changes are told as if the node had stayed: what it is to lose waits for what names it.
  if (had !== undefined) {
    noteHad(sub, had, view);
    if (sub.names.size > 0) sub.doubt = "open";
    sub.base = had;
    sub.urgent = true;
    setAcked(sub, version);
    return;
  }
  if (!sub.wildcard) sub.base = view.resources;
  // What a node that comes back is not told of, it keeps.
  if (sub.wildcard || first.returning) answerNow(sub);
}

function answerNow(sub: Subscription): void {
  sub.mustAnswer = true;
  sub.urgent = true;
}

/** What the node has of the names that it is sent again; what it has as it is now is sent again, too. */
function noteHad(sub: Subscription, had: ResourceMap | undefined, view: TypeView): void {
  for (const name of sub.pending.keys()) {
    const resource = had === undefined ? UNKNOWN : had.get(name);
    if (resource?.version !== view.resources.get(name)?.version) sub.pending.set(name, resource);
  }
}

/** What it names, had and is to lose. */
function noteGone(
  sub: Subscription,
  had: ResourceMap | undefined,
  { view, first }: { view: TypeView; first: FirstRequest },
): void {
  if (had === undefined) return;
  for (const name of sub.names) {
    const gone = view.resources.has(name) ? undefined : had.get(name);
    if (gone !== undefined) noteLost(sub, first, { name, has: gone });
  }
}

/** On reconnect the node says what it has: only differences are sent, removals among them. */
export function* startDeltaSteps(
  sub: Subscription,
  rawVersions: Buffer,
  context: { view: TypeView; first: FirstRequest; cohort: Cohort | null },
): Steps<void> {
  const { view, first, cohort } = context;
  if (sub.wildcard) {
    sub.urgent = true;
    sub.mustAnswer = rawVersions.length === 0;
  }
  if (rawVersions.length === 0) {
    if (!sub.wildcard) sub.base = view.resources;
    return;
  }
  first.returning = true;
  sub.base = view.resources;
  // Of types that are asked for on demand a name without a resource is answered as well.
  const isWhole = cohort !== null && (cohort.missing.length === 0 || !ON_DEMAND_TYPES.has(sub.typeUrl));
  const isEqual = isWhole && isSameSum(sumOfEntries(rawVersions), cohort.versions());
  if (isEqual && first.isOwed === null) sub.pending.clear();
  else yield* compareSteps(sub, yield* decodeVersionsSteps(rawVersions), { view, first });
  if (sub.pending.size + sub.absent.size + first.gone.size === 0) setAcked(sub, view.version);
}

function* compareSteps(
  sub: Subscription,
  known: ReadonlyMap<string, string>,
  { view, first }: { view: TypeView; first: FirstRequest },
): Steps<void> {
  const warms = followersOf(sub.typeUrl).length > 0;
  let done = 0;
  for (const [name, resource] of view.resources) {
    if (shouldYield(done++)) yield;
    if (!inScope(sub, name)) continue;
    const version = known.get(resource.name);
    if (version === resource.version && first.isOwed?.(name) !== true) {
      sub.pending.delete(name);
      continue;
    }
    demand(sub, name);
    if (version !== undefined && version !== resource.version) {
      sub.pending.set(name, first.find(name, version) ?? UNKNOWN);
    }
    if (warms) sub.touched.set(name, version === undefined);
  }
  for (const [name, version] of known) {
    if (shouldYield(done++)) yield;
    if (view.resources.has(name) || !isLost(sub, name, version)) continue;
    noteLost(sub, first, { name, has: first.find(name, version) ?? UNKNOWN });
    sub.lostBytes += FOREIGN_NAME_BYTES + name.length;
  }
}

/** The node says that it has this. */
function noteLost(sub: Subscription, first: FirstRequest, { name, has }: { name: string; has: XdsResource }): void {
  // Asked for alone it might have been denied, or sent all the same.
  sub.absent.delete(name);
  sub.deferred.delete(name);
  if (sub.kept.delete(name)) sub.pending.delete(name);
  first.gone.set(name, has);
}

/** True when the node is to lose what it has. It may have asked for it by an alias that nobody can tell now. */
function isLost(sub: Subscription, name: string, version: string): boolean {
  if (!inScope(sub, name) && !ON_DEMAND_TYPES.has(sub.typeUrl)) return false;
  return version !== UNKNOWN_VERSION || !sub.pending.has(name);
}
