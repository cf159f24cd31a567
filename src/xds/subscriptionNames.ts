/** What a request for names does to a subscription. */
import { type Steps, shouldYield } from "../util/steps.ts";
import { isAnsweredHollow } from "./aliases.ts";
import type { Cohort } from "./cohorts.ts";
import { BadRequest, type DeltaRequest, decodeNamesSteps } from "./decode.ts";
import { namesUnder } from "./globs.ts";
import { MAX_NAMES } from "./limits.ts";
import type { NameSets } from "./nameSets.ts";
import { demand, dropRejected, inScope, isNamed, type Subscription, UNKNOWN } from "./subscription.ts";
import { type FirstRequest, startDeltaSteps, startSotw } from "./subscriptionStart.ts";
import type { TypeView } from "./view.ts";
import { isGlob, normalised } from "./xdstp.ts";

/** Where a request is applied. */
export interface NamesContext {
  readonly view: TypeView;
  /** This is the type's first request on the stream. */
  readonly first: FirstRequest | null;
  readonly nameSets: NameSets;
  /** The name is not there, and what the node keeps waits for it: it is sent all the same. */
  readonly sendsParting: (name: string) => boolean;
}

/** Applies the names of a state-of-the-world request. */
export function* applySotwSteps(
  sub: Subscription,
  request: { rawNames: Buffer; version: string },
  context: NamesContext,
): Steps<void> {
  const { view, first } = context;
  if (first === null && sub.rawNames.equals(request.rawNames)) return;
  const set = yield* context.nameSets.holdSteps(request.rawNames, (name) => intern(view, name));
  set.raw ??= Buffer.from(request.rawNames);
  sub.rawNames = set.raw;
  const isEmpty = set.names.size === 0 && !set.wildcard;
  const hadWildcard = sub.wildcard;
  if (first !== null) sub.legacy = first.legacyWildcard && isEmpty;
  else if (!isEmpty) sub.legacy = false;
  const had = [...sub.names];
  const known = new Set(had);
  sub.names.become(set);
  sub.wildcard = set.wildcard || sub.legacy;
  let done = 0;
  let hadGlobs = false;
  for (const name of had) {
    if (shouldYield(done++)) yield;
    if (set.names.has(name)) continue;
    forgetState(sub, name);
    hadGlobs ||= isGlob(name);
  }
  if (hadGlobs && !sub.wildcard) forgetUnnamed(sub);
  // A node that comes back may use what is gone until something better has come: no word that would make it drop that.
  const tellsMissing = sub.tellsMissing && (first === null || request.version === "");
  const missing = (name: string): void => {
    foreignName(sub, name);
    if (isGlob(name)) demandGlob(sub, name, view);
    else if (context.sendsParting(name)) return;
    else if (tellsMissing && name !== "") denyName(sub, name);
  };
  if (first !== null && (yield* shareDemandSteps(sub, set.cohort(view), missing))) {
    startSotw(sub, request.version, { view, first });
    return;
  }
  for (const name of set.names) {
    if (shouldYield(done++)) yield;
    if (known.has(name)) continue;
    if (view.resources.has(name)) demand(sub, name);
    else missing(name);
  }
  if (first !== null) startSotw(sub, request.version, { view, first });
  else if (sub.wildcard && !hadWildcard) demandAll(sub, view);
  else if (hadWildcard && !sub.wildcard) forgetUnnamed(sub);
}

/** Demands what a cohort is sent, with no work for each name; false: there is no cohort. `missing`: a name of no resource. */
function* shareDemandSteps(sub: Subscription, cohort: Cohort | null, missing: (name: string) => void): Steps<boolean> {
  if (cohort === null || sub.wildcard) return false;
  sub.pending.share(cohort, undefined);
  sub.urgent = true;
  for (const [index, name] of cohort.missing.entries()) {
    if (shouldYield(index)) yield;
    missing(name);
  }
  return true;
}

/** What a delta request does to a subscription. */
export type DeltaNames = Pick<DeltaRequest, "rawSubscribe" | "unsubscribe" | "rawVersions">;

/** Applies the subscription changes of a delta request. */
export function* applyDeltaSteps(sub: Subscription, request: DeltaNames, context: NamesContext): Steps<void> {
  const { view, first } = context;
  const { rawSubscribe } = request;
  // Most are answers and nothing else.
  if (first === null && rawSubscribe.length === 0 && request.unsubscribe.length === 0) return;
  if (first?.legacyWildcard && rawSubscribe.length === 0) sub.wildcard = true;
  const hadWildcard = sub.wildcard;
  let cohort: Cohort | null = null;
  if (first !== null && rawSubscribe.length > 0) cohort = yield* startNamesSteps(sub, rawSubscribe, context);
  else {
    const names = yield* decodeNamesSteps(rawSubscribe);
    sub.wildcard ||= names.includes("*");
    yield* subscribeSteps(sub, names, { ...context, isFirst: first !== null });
  }
  if (first !== null && sub.wildcard && sub.names.size === 0) cohort = context.nameSets.everything.cohort(view);
  if (sub.names.size > MAX_NAMES) {
    throw new BadRequest(`a subscription names more than ${MAX_NAMES} resources`, { reason: "count" });
  }
  if (first !== null) yield* startDeltaSteps(sub, request.rawVersions, { view, first, cohort });
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
  if (sub.foreign.size === 0) sub.foreign.clear();
  if (sub.absent.size === 0) sub.absent.clear();
}

/** A type's first names on a stream; gives the cohort that they make the stream part of. */
function* startNamesSteps(sub: Subscription, raw: Buffer, context: NamesContext): Steps<Cohort | null> {
  const { view, nameSets } = context;
  const where = { ...context, isFirst: true };
  const set = yield* nameSets.holdSteps(raw, (name) => intern(view, name));
  sub.names.become(set);
  sub.wildcard ||= set.wildcard;
  const cohort = set.cohort(view);
  const missing = (name: string): void => subscribeName(sub, name, where);
  if (yield* shareDemandSteps(sub, cohort, missing)) return cohort;
  yield* subscribeSteps(sub, [...set.names], where);
  return null;
}

/** Each glob once: what a repeated name costs is little, but a glob may stand for all there is. */
function* subscribeSteps(sub: Subscription, names: readonly string[], where: Subscribing): Steps<void> {
  const globs = new Set<string>();
  for (const [index, name] of names.entries()) {
    if (shouldYield(index)) yield;
    if (isGlob(name)) globs.add(name);
    else if (name !== "*") subscribeName(sub, intern(where.view, name), where);
  }
  for (const glob of globs) {
    subscribeName(sub, intern(where.view, glob), where);
    yield;
  }
}

/** `isFirst`: the node has nothing of the type from this stream. */
interface Subscribing extends Pick<NamesContext, "view" | "sendsParting"> {
  readonly isFirst: boolean;
}

function subscribeName(sub: Subscription, name: string, { view, isFirst, sendsParting }: Subscribing): void {
  const isSeen = !isFirst && inScope(sub, name);
  sub.names.add(name);
  if (view.resources.has(name)) {
    demand(sub, name, isSeen ? UNKNOWN : undefined);
    return;
  }
  const own = foreignName(sub, name);
  if (isAnsweredHollow(sub, own)) demand(sub, own);
  else if (sendsParting(own)) return;
  else if (!isGlob(own) || !demandGlob(sub, own, view)) denyName(sub, own);
}

/** Asks for what a glob stands for; false: for nothing. */
function demandGlob(sub: Subscription, glob: string, view: TypeView): boolean {
  const names = namesUnder(view.resources, glob);
  for (const name of names) demand(sub, name);
  return names.length > 0;
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
  sub.absent.set(name, true);
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
  forgetState(sub, name);
}

/** What was noted of a name that is not asked for any more. */
function forgetState(sub: Subscription, name: string): void {
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
  if (sub.kept.size > 0) sub.kept.delete(name);
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
