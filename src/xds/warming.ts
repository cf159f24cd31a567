/**
 * What a node does with clusters and listeners after it accepted them: it warms them, waiting for endpoints, secrets and routes.
 * Some of those it does not ask for again; and what names a new cluster must not come before that cluster works.
 */
import { HOLD_MS, MAX_OWED } from "./limits.ts";
import type { Ref } from "./refs.ts";
import { CLUSTER, ENDPOINT, followersOf, needsOf } from "./resourceTypes.ts";
import { type Stream, viewOf } from "./state.ts";
import { inScope, isOffered, type Outstanding, type SentResponse, type Subscription } from "./subscription.ts";
import type { XdsResource } from "./types.ts";

/** What of these types a resource waits for, as far as the group has it. A cluster's endpoints may go by its own name. */
function awaitedBy(stream: Stream, resource: XdsResource, types: readonly string[]): Ref[] {
  const refs: Ref[] = [];
  let endpoints = resource.typeUrl !== CLUSTER;
  for (const ref of resource.refs) {
    endpoints ||= ref[0] === ENDPOINT;
    if (types.includes(ref[0]) && isThere(stream, ref)) refs.push(ref);
  }
  if (endpoints || !types.includes(ENDPOINT)) return refs;
  const own: Ref = [ENDPOINT, resource.name];
  return isThere(stream, own) ? [...refs, own] : refs;
}

function isThere(stream: Stream, [typeUrl, name]: Ref): boolean {
  return viewOf(stream.group, typeUrl).resources.has(name);
}

/** After clusters or listeners were sent: what they wait for follows, changed or not, and new clusters are watched. */
export function afterSent(stream: Stream, sub: Subscription, sent: Outstanding): void {
  const types = followersOf(sub.typeUrl);
  if (types.length === 0 || sub.touched.size === 0) return;
  // Whoever asks for a type later than in a first request gets what he names anyway.
  const asked = neverWarms(stream) ? [] : types.filter((typeUrl) => stream.subs.has(typeUrl));
  const added = new Set<string>();
  const resources = sent.offered === null ? sent.response.resources : offeredOf(sent.response, sent.offered);
  for (const resource of resources) {
    const isNew = sub.touched.get(resource.name);
    if (isNew === undefined) continue;
    sub.touched.delete(resource.name);
    if (isNew) added.add(resource.name);
    if (asked.length > 0) for (const ref of awaitedBy(stream, resource, asked)) resend(stream, ref);
  }
  if (added.size > 0 && sub.typeUrl === CLUSTER) {
    stream.fresh.push({ number: sent.response.number, names: added, at: sent.at, accepted: false });
    stream.dueAt = Math.min(stream.dueAt, sent.at + HOLD_MS);
  }
  if (sub.delta && types.some((typeUrl) => isOwable(stream, typeUrl))) owe(stream, sent.response);
}

/** True when the node has yet to ask for a type that the group has. */
function isOwable(stream: Stream, typeUrl: string): boolean {
  const unasked = !stream.subs.has(typeUrl) && !neverWarms(stream);
  return unasked && viewOf(stream.group, typeUrl).resources.size > 0;
}

function* offeredOf(response: SentResponse, offered: ReadonlyMap<string, unknown>): Iterable<XdsResource> {
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
}

function owe(stream: Stream, response: SentResponse): void {
  if (stream.owed === "all") return;
  stream.owed.push(response);
  if (stream.owed.length > MAX_OWED) stream.owed = "all";
}

/** Whether the node waits for a resource of the type although it may have it: asked for when the type is first requested. */
export function owedNames(stream: Stream, typeUrl: string): (name: string) => boolean {
  const { owed } = stream;
  if (owed === "all") return () => true;
  const names = new Set<string>();
  for (const { resources } of owed) {
    for (const resource of resources) {
      if (!followersOf(resource.typeUrl).includes(typeUrl)) continue;
      for (const [, name] of awaitedBy(stream, resource, [typeUrl])) names.add(name);
    }
  }
  return (name) => names.has(name);
}

/** Takes an accepted response into account: the same work at any size. */
export function noteAccepted(stream: Stream, typeUrl: string, response: SentResponse): void {
  if (typeUrl !== CLUSTER) return;
  for (const clusters of stream.fresh) clusters.accepted ||= clusters.number <= response.number;
}

/** Forgets clusters that nothing waits for any more. */
export function dropOldFresh(stream: Stream, now: number): void {
  while (stream.fresh.length > 0 && now - stream.fresh[0]!.at >= HOLD_MS) stream.fresh.shift();
}

/** True when the node was sent this cluster a moment ago and cannot use it yet. */
export function isWarming(stream: Stream, clusters: Subscription, name: string): boolean {
  const fresh = stream.fresh.findLast(({ names }) => names.has(name));
  if (fresh === undefined) return false;
  return !fresh.accepted || clusters.rejected.has(name) || !hasNeeds(stream, CLUSTER, name);
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
