/**
 * What becomes of a refused response. A node drops all of a response for one bad resource, so the rest is offered again without the
 * one that the refusal names, or in halves when it names none, until the bad one stands alone.
 */
import { MAX_TRIALS, RETRY_FIRST_MS, RETRY_MAX_MS } from "./limits.ts";
import { CLUSTER } from "./resourceTypes.ts";
import { inScope, type Outstanding, type Subscription } from "./subscription.ts";
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
  const offered = [...(sent.offered ?? sent.response.byName()).keys()].filter((name) => inScope(sub, name));
  const repeated = repeatedIn(sub, sent, offered);
  const names = [...offered, ...repeated];
  const known = repeated.filter((name) => sub.rejected.get(name)?.alone === true);
  const accused = names.length <= 1 ? names : known.length > 0 ? known : namedIn(message, names);
  for (const name of names) {
    const isAccused = accused.length === 0 || accused.includes(name);
    noteRefused(sub, sent, { name, alone: isAccused && accused.length === 1, passing: isAccused && passing });
  }
  if (passing) sub.retryAt = now + Math.min(RETRY_FIRST_MS * 2 ** sub.retries++, RETRY_MAX_MS);
  sub.nacked = { version, message };
  if (sub.ackedVersion === version) sub.ackedVersion = sub.ackedEarlier;
  const isBlank = planTrials(sub, { names, accused, passing, again: sent.trial });
  // Alone they cannot be wrong.
  if (names.length > 0) takeBackRemovals(sub, sent, now);
  return { names, isBlank };
}

/** Of a full state that was on its way when an earlier one was refused: what of that it has again, and may be the reason. */
function repeatedIn(sub: Subscription, { response }: Outstanding, offered: readonly string[]): readonly string[] {
  if (!sub.fullState || sub.rejected.size === 0) return [];
  const isRepeated = (name: string): boolean =>
    !offered.includes(name) && response.byName().get(name) === sub.rejected.get(name)?.resource;
  return [...sub.rejected.keys()].filter(isRepeated);
}

/** Removals that went along may have been dropped with the rest: the node has that still, and is to lose it. */
function takeBackRemovals(sub: Subscription, sent: Outstanding, now: number): void {
  const isGone = (name: string): boolean => inScope(sub, name) && !sub.base.has(name);
  for (const [name, has] of sent.left) if (isGone(name)) sub.deferred.set(name, { has, deadline: now, after: [] });
  sub.deferredUntil = Math.min(sub.deferredUntil, now);
  sub.lingersFor = null;
  for (const name of sent.response.removed) if (isGone(name) && !sub.deferred.has(name)) sub.absent.add(name);
}

function noteRefused(
  sub: Subscription,
  sent: Outstanding,
  said: { name: string; alone: boolean; passing: boolean },
): void {
  const { name, alone, passing } = said;
  const resource = sent.response.byName().get(name)!;
  const before = sub.rejected.get(name);
  const wasAlone = before?.alone === true && before.resource === resource;
  const has = before === undefined ? sent.had.get(name) : before.has;
  sub.rejected.set(name, { resource, has, alone: alone || wasAlone, passing });
  // What follows it was noted when it seemed to be on its way to the node.
  if (sub.pending.get(name)?.version === resource.version) sub.pending.set(name, has);
  const waiting = sub.deferred.get(name);
  if (waiting?.has?.version === resource.version) sub.deferred.set(name, { ...waiting, has });
}

/** True when nothing is known of where to look. */
function planTrials(
  sub: Subscription,
  refused: { names: readonly string[]; accused: readonly string[]; passing: boolean; again: boolean },
): boolean {
  const { names, accused, passing, again } = refused;
  // It only took something away: what is planned stays planned.
  if (names.length === 0) return false;
  if (!again) {
    sub.trialsLeft = MAX_TRIALS;
    sub.refusalsLeft = roundsFor(names.length);
  } else {
    sub.refusalsLeft = Math.min(sub.refusalsLeft, roundsFor(sub.rejected.size)) - 1;
  }
  const isBlank = !again && accused.length === 0 && names.length > BLANK_FROM;
  // A node that refuses whatever it gets is not asked about each resource.
  if (sub.refusalsLeft <= 0) sub.trials.length = 0;
  else if (isBlank) planSamples(sub, names);
  else if (names.length > 1) sub.trials.unshift(...partsOf(names, accused, passing));
  return isBlank;
}

/** Three single resources are to be tried, and the rest in halves if one of them is accepted. */
export function planSamples(sub: Subscription, names: readonly string[]): void {
  sub.refusalsLeft = SAMPLES.length;
  sub.trials.unshift(...samplesOf(names));
}

/** What is known to be bad is left out, and the rest is to be tried. */
export function spareAccused(sub: Subscription, names: readonly string[], bad: readonly string[]): void {
  const out = new Set(bad);
  for (const name of out) {
    const refused = sub.rejected.get(name);
    if (refused !== undefined) sub.rejected.set(name, { ...refused, alone: true });
  }
  const rest = names.filter((name) => !out.has(name));
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

/** Halvings until one is left, and one more. */
function roundsFor(count: number): number {
  return Math.ceil(Math.log2(Math.max(1, count))) + 1;
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
export function offerTrial(sub: Subscription, view: TypeView): void {
  while (sub.trials.length > 0 && sub.outstanding.size === 0 && sub.trialsLeft > 0 && !sub.trial) {
    const part = sub.trials.shift()!.filter((name) => isStillRefused(sub, name, view));
    if (part.length === 0) continue;
    sub.trialsLeft -= 1;
    sub.trial = true;
    offer(sub, part);
  }
}

function isStillRefused(sub: Subscription, name: string, view: TypeView): boolean {
  const refused = sub.rejected.get(name);
  return refused !== undefined && view.resources.get(name)?.version === refused.resource.version;
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
  const untried = [...sub.rejected].filter(([, { alone }]) => !alone).map(([name]) => name);
  if (untried.length === 0) return;
  sub.trialsLeft = MAX_TRIALS;
  sub.trials.push(untried);
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
