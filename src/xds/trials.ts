/**
 * What becomes of a refused response. A node drops all of a response for one bad resource, so the rest is offered again without the
 * one that the refusal names, or in halves when it names none, until the bad one stands alone.
 */
import { askForProof, noteDoubtful } from "./doubts.ts";
import { MAX_TRIALS, RETRY_FIRST_MS, RETRY_MAX_MS, SEARCH_AGAIN_MS } from "./limits.ts";
import { bequeath } from "./offers.ts";
import { CLUSTER } from "./resourceTypes.ts";
import { type Had, inScope, type Outstanding, type Refused, type Subscription } from "./subscription.ts";
import type { RefusalKind } from "./types.ts";
import type { TypeView } from "./view.ts";

/** What the node said. */
export interface Refusal {
  readonly message: string;
  readonly kind: RefusalKind;
  /** Monotonic milliseconds. */
  readonly now: number;
}

/**
 * The node refused a response. Nothing of it is sent again as it was (for the node's later state it counts as sent) but to find
 * what was bad in it, unless the reason may pass without a change of ours: then it is offered again, ever more seldom.
 * Returns what was refused, and whether single resources are to be tried first.
 */
export function recordNack(
  sub: Subscription,
  sent: Outstanding,
  refusal: Refusal,
): { names: readonly string[]; isBlank: boolean } {
  const { message, now } = refusal;
  const { version } = sent.response;
  const passing = refusal.kind === "passing";
  const names = [...(sent.offered ?? sent.response.byName()).keys()];
  const isDoubtful = sub.doubt !== "none";
  if (isDoubtful) noteDoubtful(sub, names.length > 0);
  const accused = accusedOf(sub, sent, { message, names });
  const blamed = new Set(accused);
  const later = [sub.leaving, ...sub.outstanding.flatMap(({ had, left }) => [had, left])];
  for (const name of names) {
    const isAccused = accused.length === 0 || blamed.has(name);
    noteRefused(sub, sent, {
      later,
      name,
      alone: isAccused && accused.length === 1,
      passing: isAccused && passing,
    });
  }
  if (passing) sub.retryAt = now + Math.min(RETRY_FIRST_MS * 2 ** sub.retries++, RETRY_MAX_MS);
  sub.nacked = { version, message };
  if (sub.ackedVersion === version) sub.ackedVersion = sub.ackedEarlier;
  // The next one passes it on when it is refused or passed over as well.
  const next = sub.outstanding[0];
  if (next !== undefined) bequeath(sent, next);
  const isBlank = planTrials(sub, { names, accused, passing, again: sent.trial });
  if (isDoubtful && names.length === 1) sub.trials.unshift(names);
  // Alone they cannot be wrong.
  if (names.length > 0) takeBackRemovals(sub, sent, now);
  return { names, isBlank };
}

/** What was bad, by all that is known; none: it may have been any of it. */
function accusedOf(
  sub: Subscription,
  sent: Outstanding,
  { message, names }: { message: string; names: readonly string[] },
): readonly string[] {
  // With what else came along it may not have been the only one.
  if (names.length <= 1) return sub.doubt === "none" ? names : [];
  const known = names.filter((name) => isKnownBad(sub, sent, name));
  return known.length > 0 ? known : namedIn(message, names);
}

/** A full state that was on its way when the node refused another has what was bad in that. */
function isKnownBad(sub: Subscription, { response }: Outstanding, name: string): boolean {
  const refused = sub.rejected.get(name);
  return refused?.alone === true && response.byName().get(name) === refused.resource;
}

/** Removals that went along may have been dropped with the rest: the node has that still, and is to lose it. */
function takeBackRemovals(sub: Subscription, sent: Outstanding, now: number): void {
  const isGone = (name: string): boolean => inScope(sub, name) && !sub.base.has(name);
  for (const [name, has] of sent.left) if (isGone(name)) sub.deferred.set(name, { has, deadline: now, after: [] });
  sub.deferredUntil = Math.min(sub.deferredUntil, now);
  sub.lingersFor = null;
  for (const name of sent.response.removed) if (isGone(name) && !sub.deferred.has(name)) sub.absent.set(name, true);
}

function noteRefused(
  sub: Subscription,
  sent: Outstanding,
  said: { later: readonly Had[]; name: string; alone: boolean; passing: boolean },
): void {
  const { later, name, alone, passing } = said;
  const resource = sent.response.byName().get(name)!;
  const before = sub.rejected.get(name);
  const wasAlone = before?.alone === true && before.resource === resource;
  const has = before === undefined ? sent.had.get(name) : before.has;
  // What is gone or not wanted any more may have been the reason, but is not sent again.
  if (sub.base.has(name) && inScope(sub, name))
    sub.rejected.set(name, { resource, has, alone: alone || wasAlone, passing });
  // What follows it was noted when it seemed to be on its way to the node.
  if (sub.pending.get(name)?.version === resource.version) sub.pending.set(name, has);
  const waiting = sub.deferred.get(name);
  if (waiting?.has?.version === resource.version) sub.deferred.set(name, { ...waiting, has });
  for (const had of later) {
    if (had.get(name)?.version === resource.version) had.set(name, has);
  }
}

/** True when nothing is known of where to look. */
function planTrials(
  sub: Subscription,
  refused: { names: readonly string[]; accused: readonly string[]; passing: boolean; again: boolean },
): boolean {
  const { names, accused, passing, again } = refused;
  // It only took something away: what is planned stays planned.
  if (names.length === 0) return false;
  if (again) sub.samplesLeft -= 1;
  else beginSearch(sub);
  const isBlank = !again && accused.length === 0 && names.length > BLANK_FROM;
  // A node that refuses whatever it gets is not asked about each resource.
  if (sub.samplesLeft <= 0) sub.trials.length = 0;
  else if (isBlank) planSamples(sub, names);
  else if (names.length > 1) sub.trials.unshift(...partsOf(names, accused, passing));
  return isBlank;
}

/** Parts of what was refused are to be offered: so many, whatever the node says to them. */
function beginSearch(sub: Subscription): void {
  sub.trialsLeft = MAX_TRIALS;
  sub.samplesLeft = Number.POSITIVE_INFINITY;
  sub.searching = true;
}

/** Three single resources are to be tried, and the rest in halves if one of them is accepted. */
export function planSamples(sub: Subscription, names: readonly string[]): void {
  sub.samplesLeft = SAMPLES.length;
  sub.trials.unshift(...samplesOf(names));
}

/** Another node refused these of the names, alone or along with others: they are left out, and the rest is to be tried. */
export function spareAccused(sub: Subscription, names: readonly string[], found: ReadonlyMap<string, Refused>): void {
  for (const [name, { alone }] of found) {
    const refused = sub.rejected.get(name);
    if (refused !== undefined && alone) sub.rejected.set(name, { ...refused, alone });
  }
  beginSearch(sub);
  const rest = names.filter((name) => !found.has(name));
  if (rest.length > 0) sub.trials.push(rest);
}

/** Of more resources than this a node that names none is offered three single ones first. When it refuses these, it refuses all. */
const BLANK_FROM = 8;
const SAMPLES = [0, 0.5, 1];

/** Three single resources, and the rest in halves. */
function samplesOf(names: readonly string[]): (readonly string[])[] {
  const samples = SAMPLES.map((part) => names[Math.floor(part * (names.length - 1))]!);
  const rest = names.filter((name) => !samples.includes(name));
  return [...samples.map((name) => [name]), ...halvesOf(rest)];
}

function partsOf(names: readonly string[], accused: readonly string[], passing: boolean): (readonly string[])[] {
  const all = accused.length === names.length;
  if (accused.length === 0 || (all && !passing)) return halvesOf(names);
  const out = new Set(accused);
  const rest = all ? [] : [names.filter((name) => !out.has(name))];
  // What may pass is offered again anyway.
  return accused.length === 1 || passing ? rest : [...rest, ...halvesOf(accused)];
}

function halvesOf(names: readonly string[]): (readonly string[])[] {
  const middle = Math.ceil(names.length / 2);
  return [names.slice(0, middle), names.slice(middle)];
}

/** Names that a text holds as words; those in quotes alone when there are such, since a name may be a common word. */
function namedIn(message: string, names: readonly string[]): readonly string[] {
  const quoted = new Set(Array.from(message.matchAll(/"([^"]*)"|'([^']*)'/g), ([, a, b]) => a ?? b));
  const inQuotes = names.filter((name) => quoted.has(name));
  if (inQuotes.length > 0) return inQuotes;
  const words = new Set(message.split(/\s+/).flatMap((word) => [word, word.replace(/^[([]+|[:,;.)\]]+$/g, "")]));
  return names.filter((name) => words.has(name));
}

/** Puts the next part that is to be tried into `pending`, when no answer is awaited. */
export function offerTrial(sub: Subscription, view: TypeView, now: number): void {
  if (sub.outstanding.length > 0) return;
  if (sub.searching && sub.doubt === "open" && sub.trialsLeft > 0) askForProof(sub);
  while (sub.trials.length > 0 && sub.trialsLeft > 0 && !sub.trial) {
    const part = sub.trials.shift()!.filter((name) => isUntried(sub, name, view));
    if (part.length === 0) continue;
    sub.trialsLeft -= 1;
    sub.trial = true;
    offer(sub, part);
  }
  if (sub.searching && !sub.trial) restFromSearch(sub, now);
}

/** The search has ended: what was not found out is looked at again, much later. */
function restFromSearch(sub: Subscription, now: number): void {
  sub.searching = false;
  sub.trials.length = 0;
  if (untriedOf(sub).length > 0) sub.searchAt = now + SEARCH_AGAIN_MS;
}

function isUntried(sub: Subscription, name: string, view: TypeView): boolean {
  const refused = sub.rejected.get(name);
  return refused?.alone === false && view.resources.get(name)?.version === refused.resource.version;
}

/** What the node may accept now, although it refused it, is to be sent once more. */
export function offerPassing(sub: Subscription): void {
  sub.retryAt = Number.POSITIVE_INFINITY;
  offer(
    sub,
    [...sub.rejected].filter(([, { passing }]) => passing).map(([name]) => name),
  );
}

/** What was refused along with others is tried once more. */
export function offerUntried(sub: Subscription): void {
  sub.searchAt = Number.POSITIVE_INFINITY;
  const untried = untriedOf(sub);
  if (untried.length === 0) return;
  beginSearch(sub);
  if (untried.length > BLANK_FROM) planSamples(sub, untried);
  else sub.trials.push(untried);
}

function untriedOf(sub: Subscription): string[] {
  return [...sub.rejected].filter(([, { alone }]) => !alone).map(([name]) => name);
}

/** These refused resources are to be sent once more. */
export function offer(sub: Subscription, names: readonly string[]): void {
  for (const name of names) {
    const refused = sub.rejected.get(name);
    if (refused === undefined) continue;
    sub.pending.set(name, refused.has);
    sub.absent.delete(name);
    sub.deferred.delete(name);
    if (sub.typeUrl === CLUSTER) sub.touched.set(name, refused.has === undefined);
  }
  sub.urgent = true;
}
