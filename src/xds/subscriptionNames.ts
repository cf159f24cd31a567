/** What a request for names does to a subscription. */
import { mapSteps, type Steps, shouldYield } from "../util/steps.ts";
import { isAnsweredHollow, UNKNOWN_VERSION } from "./aliases.ts";
import { BadRequest, type DeltaRequest, decodeNamesSteps } from "./decode.ts";
import { namesUnder } from "./globs.ts";
import { MAX_NAMES } from "./limits.ts";
import { followersOf, HELD_TYPES, ON_DEMAND_TYPES } from "./resourceTypes.ts";
import { demand, dropRejected, inScope, isNamed, type Subscription, setAcked, UNKNOWN } from "./subscription.ts";
import type { XdsResource } from "./types.ts";
import { isVersionOf, type ResourceMap, type TypeView } from "./view.ts";
import { isGlob, normalised } from "./xdstp.ts";

/** How a type's first request is to be read, and what it says of a node that was here before. */
export interface FirstRequest {
  /** An empty list is a wildcard. */
  readonly legacyWildcard: boolean;
  /** What the type held at a version; undefined: not remembered. */
  readonly at: (version: string) => ResourceMap | undefined;
  readonly find: (name: string, version: string) => XdsResource | undefined;
  /** The node waits for this resource although it may have it. */
  readonly isOwed: (name: string) => boolean;
  /** Set here: the node has resources. */
  returning: boolean;
  /** Set here (state of the world): the version that it has. */
  version: string;
  /** Filled here: what the node has and is to lose, but for full states. */
  readonly gone: Map<string, XdsResource>;
}

/** Applies the names of a state-of-the-world request. `first`: this is the type's first request on the stream. */
export function* applySotwSteps(
  sub: Subscription,
  request: { rawNames: Buffer; version: string },
  context: { view: TypeView; first: FirstRequest | null },
): Steps<void> {
  const { view, first } = context;
  if (first === null && sub.rawNames.equals(request.rawNames)) return;
  const names = yield* decodeNamesSteps(request.rawNames);
  sub.rawNames = Buffer.from(request.rawNames);
  const hadWildcard = sub.wildcard;
  if (first !== null) sub.legacy = first.legacyWildcard && names.length === 0;
  else if (names.length > 0) sub.legacy = false;
  // A node that comes back may use what is gone until something better has come: no word that would make it drop that.
  const tellsMissing = sub.tellsMissing && (first === null || request.version === "");
  const wanted = new Set(yield* mapSteps(names, (name) => intern(view, name)));
  sub.wildcard = wanted.delete("*") || sub.legacy;
  let done = 0;
  let hadGlobs = false;
  for (const name of sub.names) {
    if (shouldYield(done++)) yield;
    if (wanted.has(name)) continue;
    forgetName(sub, name);
    hadGlobs ||= isGlob(name);
  }
  if (hadGlobs && !sub.wildcard) forgetUnnamed(sub);
  for (const name of wanted) {
    if (shouldYield(done++)) yield;
    if (sub.names.has(name)) continue;
    sub.names.add(name);
    if (view.resources.has(name)) demand(sub, name);
    else {
      foreignName(sub, name);
      if (isGlob(name)) demandGlob(sub, name, view);
      else if (tellsMissing && name !== "") denyName(sub, name);
    }
  }
  if (first !== null) startSotw(sub, request.version, { view, first });
  else if (sub.wildcard && !hadWildcard) demandAll(sub, view);
  else if (hadWildcard && !sub.wildcard) forgetUnnamed(sub);
}

/**
 * The client's version is read here and never again. Only a pure wildcard of a full-state type can be trusted: with names, the
 * client may have subscribed to something new while it was away.
 */
function startSotw(sub: Subscription, version: string, context: { view: TypeView; first: FirstRequest }): void {
  const { view, first } = context;
  first.returning = version !== "";
  first.version = version;
  const had = first.at(version);
  if (!sub.fullState) {
    if (first.returning && HELD_TYPES.has(sub.typeUrl)) noteHad(sub, had, view);
    for (const name of sub.names) {
      const gone = view.resources.has(name) ? undefined : had?.get(name);
      if (gone !== undefined) first.gone.set(name, gone);
    }
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

/** Applies the subscription changes of a delta request. `first`: this is the type's first request on the stream. */
export function* applyDeltaSteps(
  sub: Subscription,
  request: DeltaRequest,
  context: { view: TypeView; first: FirstRequest | null },
): Steps<void> {
  const { view, first } = context;
  if (first?.legacyWildcard && request.subscribe.length === 0) sub.wildcard = true;
  const hadWildcard = sub.wildcard;
  // Each once: what a repeated name costs is little, but a glob may stand for all there is.
  const globs = new Set<string>();
  for (const [index, name] of request.subscribe.entries()) {
    if (shouldYield(index)) yield;
    if (name === "*") sub.wildcard = true;
    else if (isGlob(name)) globs.add(name);
    else subscribeName(sub, intern(view, name), view);
  }
  for (const glob of globs) {
    subscribeName(sub, intern(view, glob), view);
    yield;
  }
  if (sub.names.size > MAX_NAMES) {
    throw new BadRequest(`a subscription names more than ${MAX_NAMES} resources`, { reason: "count" });
  }
  if (first !== null) yield* startDeltaSteps(sub, request.initialVersions, { view, first });
  else if (sub.wildcard && !hadWildcard) demandAll(sub, view);
  let hadGlobs = false;
  for (const [index, name] of request.unsubscribe.entries()) {
    if (shouldYield(index)) yield;
    unsubscribeName(sub, intern(view, name), view);
    hadGlobs ||= isGlob(name);
  }
  if (hadGlobs && !sub.wildcard) forgetUnnamed(sub);
  if (request.unsubscribe.length > 0) dropTables(sub);
}

/** Emptied sets and maps leave a chain of tables behind, which only a collection of the whole heap takes away; new ones do not. */
function dropTables(sub: Subscription): void {
  if (sub.names.size === 0) sub.names = new Set();
  if (sub.foreign.size === 0) sub.foreign = new Map();
  if (sub.absent.size === 0) sub.absent = new Set();
}

function subscribeName(sub: Subscription, name: string, view: TypeView): void {
  const isSeen = inScope(sub, name);
  sub.names.add(name);
  if (view.resources.has(name)) {
    demand(sub, name, isSeen ? UNKNOWN : undefined);
    return;
  }
  const own = foreignName(sub, name);
  if (isAnsweredHollow(sub, own)) demand(sub, own);
  else if (!isGlob(own) || !demandGlob(sub, own, view)) denyName(sub, own);
}

/** Asks for what a glob stands for; false: for nothing. */
function demandGlob(sub: Subscription, glob: string, view: TypeView): boolean {
  const names = namesUnder(view.resources, glob);
  for (const name of names) demand(sub, name);
  return names.length > 0;
}

/** On reconnect the node says what it has: only differences are sent, removals among them. */
function* startDeltaSteps(
  sub: Subscription,
  known: ReadonlyMap<string, string>,
  context: { view: TypeView; first: FirstRequest },
): Steps<void> {
  const { view, first } = context;
  if (sub.wildcard) {
    sub.urgent = true;
    sub.mustAnswer = known.size === 0;
  }
  if (known.size === 0) {
    if (!sub.wildcard) sub.base = view.resources;
    return;
  }
  first.returning = true;
  sub.base = view.resources;
  const warms = followersOf(sub.typeUrl).length > 0;
  let done = 0;
  for (const [name, resource] of view.resources) {
    if (shouldYield(done++)) yield;
    if (!inScope(sub, name)) continue;
    const version = known.get(resource.name);
    if (version === resource.version && !first.isOwed(name)) {
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
    sub.absent.delete(name);
    first.gone.set(name, first.find(name, version) ?? UNKNOWN);
  }
  if (sub.pending.size + sub.absent.size + first.gone.size === 0) setAcked(sub, view.version);
}

/** True when the node is to lose what it has. It may have asked for it by an alias that nobody can tell now. */
function isLost(sub: Subscription, name: string, version: string): boolean {
  if (!inScope(sub, name) && !ON_DEMAND_TYPES.has(sub.typeUrl)) return false;
  return version !== UNKNOWN_VERSION || !sub.pending.has(name);
}

function unsubscribeName(sub: Subscription, name: string, view: TypeView): void {
  if (name === "*") {
    if (sub.wildcard) forgetUnnamed(sub);
    sub.wildcard = false;
    sub.mustAnswer = false;
    return;
  }
  forgetName(sub, name);
  if (!sub.wildcard) return;
  // The client may have dropped the resource with the name, although the wildcard still covers it: it must be told again.
  if (view.resources.has(name)) demand(sub, name, UNKNOWN);
  else denyName(sub, name);
}

/** The node is to hear at once that there is no such resource. */
function denyName(sub: Subscription, name: string): void {
  sub.absent.add(name);
  sub.deferred.delete(name);
  sub.urgent = true;
}

function demandAll(sub: Subscription, view: TypeView): void {
  for (const name of view.resources.keys()) if (!sub.names.has(name)) demand(sub, name);
  if (sub.fullState) sub.mustAnswer = true;
}

/** Notes a name of no resource; gives the text that stands for it, so that it is not kept again with each request and response. */
function foreignName(sub: Subscription, name: string): string {
  const own = sub.foreign.get(name);
  if (own !== undefined) return own;
  sub.foreign.set(name, name);
  sub.foreignBytes += name.length;
  return name;
}

function forgetName(sub: Subscription, name: string): void {
  sub.names.delete(name);
  if (sub.foreign.delete(name)) sub.foreignBytes -= name.length;
  // What a glob stood for is forgotten by those who call this, once for all globs.
  if (!sub.wildcard) dropState(sub, name);
}

function forgetUnnamed(sub: Subscription): void {
  for (const table of [sub.pending, sub.absent, sub.deferred, sub.leaving, sub.touched, sub.rejected]) {
    for (const name of table.keys()) if (!isNamed(sub, name)) dropState(sub, name);
  }
}

function dropState(sub: Subscription, name: string): void {
  // Most of these are empty, and 100 000 names may go at once.
  if (sub.pending.size > 0) sub.pending.delete(name);
  if (sub.absent.size > 0) sub.absent.delete(name);
  if (sub.deferred.size > 0) sub.deferred.delete(name);
  if (sub.leaving.size > 0) sub.leaving.delete(name);
  if (sub.waived.size > 0) sub.waived.delete(name);
  if (sub.touched.size > 0) sub.touched.delete(name);
  if (sub.rejected.size > 0) dropRejected(sub, name);
}

/** One string object per resource, not one per stream: 2 000 streams of 1 000 names would hold two million. */
function intern(view: TypeView, name: string): string {
  const found = view.resources.get(name);
  return found?.name === name ? found.name : normalised(name);
}
