/**
 * What a node does with clusters and listeners after it accepted them: it warms them, waiting for endpoints, secrets and routes.
 * Some of those it does not ask for again; and what names a new cluster must not come before that cluster works.
 */
import { HOLD_MS, MAX_INTERRUPTED, MAX_OWED, WARMING_MS } from "./limits.ts";
import type { ReadonlyNotes } from "./notes.ts";
import { isOffered } from "./offers.ts";
import type { Ref } from "./refs.ts";
import { CLUSTER, ENDPOINT, followersOf, isFollower, LISTENER, needsOf } from "./resourceTypes.ts";
import { type Group, type Interrupted, type Stream, viewOf } from "./state.ts";
import { inScope, type Outstanding, type SentResponse, type Subscription, UNKNOWN } from "./subscription.ts";
import type { XdsResource } from "./types.ts";

/** What of these types a resource waits for, as far as the group has it. */
export function awaitedBy(stream: Stream, resource: XdsResource, types: readonly string[]): Ref[] {
  return namedBy(resource, types).filter((ref) => isInView(stream, ref));
}

/** What of these types a resource names. A cluster's endpoints may go by its own name. */
function namedBy({ typeUrl, name, refs }: XdsResource, types: readonly string[]): Ref[] {
  const named = refs.filter(([type]) => types.includes(type));
  const hasOwn = typeUrl === CLUSTER && types.includes(ENDPOINT) && !refs.some(([type]) => type === ENDPOINT);
  return hasOwn ? [...named, [ENDPOINT, name]] : named;
}

function isInView(stream: Stream, [typeUrl, name]: Ref): boolean {
  return viewOf(stream.group, typeUrl).resources.has(name);
}

/** It is there, or was: a node that keeps what names it may still be given it (kept.ts). */
function isRemembered(stream: Stream, ref: Ref): boolean {
  return isInView(stream, ref) || stream.group.departed.get(ref[0])?.get(ref[1]) !== undefined;
}

/** After clusters or listeners were sent: what they wait for follows, changed or not, and new clusters are watched. */
export function afterSent(
  stream: Stream,
  sub: Subscription,
  { sent, allNew }: { readonly sent: Outstanding; readonly allNew: boolean },
): void {
  const types = followersOf(sub.typeUrl);
  if (types.length === 0 || (sub.touched.size === 0 && !allNew)) return;
  // Whoever asks for a type later than in a first request gets what he names anyway.
  const asked = neverWarms(stream) ? [] : types.filter((typeUrl) => stream.subs.has(typeUrl));
  const added = allNew ? sent.response.byName() : takeTouched(stream, sub, { sent, asked });
  if (allNew && asked.length > 0) for (const resource of sent.response.resources) follow(stream, resource, asked);
  if (added.size > 0 && sub.typeUrl === CLUSTER) {
    stream.fresh.push({ number: sent.response.number, names: added, at: sent.at, accepted: false });
    stream.dueAt = Math.min(stream.dueAt, sent.at + HOLD_MS);
  }
  if (!sub.delta || neverWarms(stream)) return;
  if (types.some((typeUrl) => isOwable(stream, typeUrl))) owe(stream, sent.response);
  noteWarmed(stream, sent);
}

/** The node may be warming what it was sent. */
export function noteWarmed({ warmed }: Stream, { response, at }: Outstanding): void {
  warmed.push({ response, at });
  while (warmed.length > MAX_OWED || at - warmed[0]!.at >= WARMING_MS) warmed.shift();
}

/** What was touched and is sent now is followed by what it waits for; gives the names that are new to the node. */
function takeTouched(
  stream: Stream,
  sub: Subscription,
  { sent, asked }: { readonly sent: Outstanding; readonly asked: readonly string[] },
): ReadonlySet<string> {
  const added = new Set<string>();
  const resources = sent.offered === null ? sent.response.resources : offeredOf(sent.response, sent.offered);
  for (const resource of resources) {
    const isNew = sub.touched.get(resource.name);
    if (isNew === undefined) continue;
    sub.touched.delete(resource.name);
    if (isNew) added.add(resource.name);
    if (asked.length > 0) follow(stream, resource, asked);
  }
  return added;
}

function follow(stream: Stream, resource: XdsResource, asked: readonly string[]): void {
  for (const ref of awaitedBy(stream, resource, asked)) resend(stream, ref);
}

/** True when the node has yet to ask for a type that the group has. */
function isOwable(stream: Stream, typeUrl: string): boolean {
  return !stream.subs.has(typeUrl) && viewOf(stream.group, typeUrl).resources.size > 0;
}

function* offeredOf(response: SentResponse, offered: ReadonlyNotes<unknown>): Iterable<XdsResource> {
  const resources = response.byName();
  for (const name of offered.keys()) {
    const resource = resources.get(name);
    if (resource !== undefined) yield resource;
  }
}

/** Envoy warms what changed and then waits for what it does not ask for again; gRPC does not warm. */
function neverWarms(stream: Stream): boolean {
  return stream.node.userAgent.toLowerCase().startsWith("grpc");
}

function resend(stream: Stream, [typeUrl, name]: Ref): void {
  const sub = stream.subs.get(typeUrl);
  if (sub === undefined || !inScope(sub, name)) return;
  sub.absent.delete(name);
  sub.pending.set(name, undefined);
  // Should it go and come back before it is sent, it is still to be sent.
  const waiting = sub.deferred.get(name);
  if (waiting !== undefined) sub.deferred.set(name, { ...waiting, has: UNKNOWN });
}

function owe(stream: Stream, response: SentResponse): void {
  if (stream.owed === "all") return;
  stream.owed.push(response);
  if (stream.owed.length > MAX_OWED) stream.owed = "all";
}

/** Whether the node waits for a resource of the type although it may have it: asked for when the type is first requested. */
export function owedNames(stream: Stream, typeUrl: string): ((name: string) => boolean) | null {
  const recent = recentlyInterrupted(stream);
  if (recent === null && stream.owed.length === 0) return null;
  const sent = stream.owed === "all" || recent?.owed === "all" ? "all" : [...stream.owed, ...(recent?.owed ?? [])];
  if (sent === "all") return () => true;
  // Only a node that says what it has is asked about: most ask for a type for the first time.
  let isOwed: ((name: string) => boolean) | null = null;
  return (name) => {
    isOwed ??= owedOf(stream, { sent, recent, typeUrl });
    return isOwed(name);
  };
}

function owedOf(
  stream: Stream,
  of: { readonly sent: readonly SentResponse[]; readonly recent: Interrupted | null; readonly typeUrl: string },
): (name: string) => boolean {
  const { sent, recent, typeUrl } = of;
  const owed = awaitedNames(stream, sent, typeUrl);
  const undone = recent?.subs.find((sub) => sub.typeUrl === typeUrl);
  if (recent === null || undone === undefined) return (name) => owed.has(name);
  const warmed = awaitedNames(stream, recent.warmed, typeUrl);
  return (name) => owed.has(name) || (warmed.has(name) && (undone.pending.has(name) || isOffered(undone, name)));
}

/** What this stream left undone, and what the one before it did and this one could not mend. */
function joined(before: Interrupted | null, now: Interrupted, asked: ReadonlyMap<string, unknown>): Interrupted {
  if (before === null) return now;
  const owed = before.owed === "all" || now.owed === "all" ? "all" : [...before.owed, ...now.owed].slice(-MAX_OWED);
  const warmed = [...before.warmed, ...(before.owed === "all" ? [] : before.owed), ...now.warmed].slice(-MAX_OWED);
  return { at: now.at, owed, warmed, subs: [...now.subs, ...before.subs.filter(({ typeUrl }) => !asked.has(typeUrl))] };
}

/** What the node's last stream left undone, if that was a moment ago. */
function recentlyInterrupted(stream: Stream): Interrupted | null {
  const before = stream.group.interrupted.get(stream.node.id);
  return before !== undefined && stream.context.clock.monotonic() - before.at < WARMING_MS ? before : null;
}

/** Names of a type that resources in these responses wait for. */
function awaitedNames(stream: Stream, responses: readonly SentResponse[], typeUrl: string): Set<string> {
  const names = new Set<string>();
  for (const { resources } of responses) {
    for (const resource of resources) {
      if (!followersOf(resource.typeUrl).includes(typeUrl)) continue;
      for (const ref of namedBy(resource, [typeUrl])) if (isRemembered(stream, ref)) names.add(ref[1]);
    }
  }
  return names;
}

/** A stream ended: what it had not brought to its node may still be waited for there. */
export function noteInterrupted(stream: Stream): void {
  if (!stream.method.delta || neverWarms(stream)) return;
  const { interrupted } = stream.group;
  const now = stream.context.clock.monotonic();
  const before = recentlyInterrupted(stream);
  for (const [id, { at }] of interrupted) {
    if (now - at < WARMING_MS && interrupted.size < MAX_INTERRUPTED) break;
    interrupted.delete(id);
  }
  const subs = stream.ordered
    .filter(({ typeUrl, pending, outstanding }) => isFollower(typeUrl) && pending.size + outstanding.length > 0)
    .map(({ typeUrl, pending, outstanding }) => ({ typeUrl, pending, outstanding: onlyOffers(outstanding) }));
  if (subs.length === 0 && !isOwing(stream)) return;
  interrupted.delete(stream.node.id);
  const warmed = stream.warmed.filter(({ at }) => now - at < WARMING_MS).map(({ response }) => response);
  interrupted.set(stream.node.id, joined(before, { at: now, owed: stream.owed, warmed, subs }, stream.subs));
}

/** Without the names that were taken away: clients may have made them up, and nobody pays for them any more. */
function onlyOffers(outstanding: Subscription["outstanding"]): Subscription["outstanding"] {
  const offering = outstanding.filter(({ response }) => response.resources.length > 0);
  return offering.map((sent) => ({ ...sent, response: { ...sent.response, removed: [] } }));
}

/** True when something was sent that waits for a type that the node never asked for. What it asked for it was sent: see `subs`. */
function isOwing(stream: Stream): boolean {
  if (stream.owed.length === 0) return false;
  return [CLUSTER, LISTENER].some((typeUrl) => followersOf(typeUrl).some((follower) => isOwable(stream, follower)));
}

/** Takes an accepted response into account: the same work at any size. */
export function noteAccepted(stream: Stream, typeUrl: string, response: SentResponse): void {
  if (typeUrl !== CLUSTER) return;
  for (const clusters of stream.fresh) clusters.accepted ||= clusters.number <= response.number;
}

/** The view has got clusters. */
export function noteRecent({ recent }: Group, names: readonly string[], now: number): void {
  while (recent.length > 0 && now - recent[0]!.at >= HOLD_MS) recent.shift();
  if (names.length > 0) recent.push({ names: new Set(names), at: now });
}

/** Forgets clusters that nothing waits for any more. */
export function dropOldFresh(stream: Stream, now: number): void {
  while (stream.fresh.length > 0 && now - stream.fresh[0]!.at >= HOLD_MS) stream.fresh.shift();
}

/** True when the node was sent this cluster a moment ago and cannot use it yet. */
export function isWarming(stream: Stream, clusters: Subscription, name: string): boolean {
  const fresh = stream.fresh.findLast(({ names }) => names.has(name));
  // A node that comes back may have taken it from a stream that broke before its endpoints came.
  if (fresh === undefined) return isReturning(stream) && !hasNeeds(stream, CLUSTER, name);
  return !fresh.accepted || clusters.rejected.has(name) || !hasNeeds(stream, CLUSTER, name);
}

/** The node has come back. With a stream for each type, what one of them says of it holds for the others. */
export function noteReturning(stream: Stream): void {
  const now = stream.context.clock.monotonic();
  stream.returningUntil = now + HOLD_MS;
  if (stream.method.typeUrl === null) return;
  const { returned } = stream.group;
  for (const [id, until] of returned) {
    if (now < until && returned.size < MAX_INTERRUPTED) break;
    returned.delete(id);
  }
  returned.delete(stream.node.id);
  returned.set(stream.node.id, stream.returningUntil);
}

/** True while a node that came back may ask for further types. */
export function isReturning(stream: Stream): boolean {
  const { context, group, node, returningUntil } = stream;
  const alone = stream.method.typeUrl === null ? 0 : (group.returned.get(node.id) ?? 0);
  return context.clock.monotonic() < Math.max(returningUntil, alone);
}

/** True when the node accepted a resource and everything that it waits for. */
export function isUsable(stream: Stream, typeUrl: string, name: string): boolean {
  return isAccepted(stream, typeUrl, name) && hasNeeds(stream, typeUrl, name);
}

function hasNeeds(stream: Stream, typeUrl: string, name: string): boolean {
  const resource = viewOf(stream.group, typeUrl).resources.get(name);
  if (resource === undefined) return true;
  return awaitedBy(stream, resource, needsOf(typeUrl)).every(([type, needed]) => isAccepted(stream, type, needed));
}

function isAccepted(stream: Stream, typeUrl: string, name: string): boolean {
  const sub = stream.subs.get(typeUrl);
  if (sub === undefined || !inScope(sub, name) || !sub.base.has(name)) return false;
  return !sub.pending.has(name) && !sub.deferred.has(name) && !sub.rejected.has(name) && !isOffered(sub, name);
}
