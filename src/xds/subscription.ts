/**
 * What one stream wants of one type, and what it has been sent: the state machine of requests (xds.md 1.13). Plain state and
 * functions; nothing here knows of streams, time or the network.
 *
 * Invariant: a name in scope that is in none of `pending`, `absent` and `deferred` stands at the node as `base` says.
 */
import type { DeltaRequest } from "./decode.ts";
import { BadRequest, decodeNames, NO_NAMES } from "./decode.ts";
import { MAX_NAMES, MAX_OUTSTANDING, MAX_REFUSED_NAMES, RETRY_FIRST_MS, RETRY_MAX_MS } from "./limits.ts";
import { CLUSTER } from "./resourceTypes.ts";
import type { NodeTypeStatus, XdsResource } from "./types.ts";
import { NO_RESOURCES, type ResourceMap, type TypeView } from "./view.ts";

/** A response that was sent. Shared by the streams that got the same bytes. */
export interface SentResponse {
  /** Grows with every encoded response of the server; the nonce is made of it. */
  readonly number: number;
  readonly nonce: string;
  readonly version: string;
  readonly resources: readonly XdsResource[];
  readonly removed: readonly string[];
}

/** A change that waits for another type. */
export interface Deferred {
  /** What the node has now; undefined: nothing, or not known. */
  readonly has: XdsResource | undefined;
  /** Monotonic milliseconds after which it waits no longer. */
  readonly deadline: number;
}

export interface Subscription {
  readonly typeUrl: string;
  readonly delta: boolean;
  /** Responses hold every resource in scope, and absence deletes (state of the world: LDS, CDS). */
  readonly fullState: boolean;
  wildcard: boolean;
  /** Only while no name was ever given: an empty list means everything. */
  legacy: boolean;
  readonly names: Set<string>;
  /** The encoded names of the last state-of-the-world request: an equal ACK needs no parsing. */
  rawNames: Buffer;
  base: ResourceMap;
  /** To be sent; the value is what the node has, undefined when it must be sent whatever that is. */
  readonly pending: Map<string, XdsResource | undefined>;
  /** Delta: to be named in `removed_resources`. */
  readonly absent: Set<string>;
  readonly deferred: Map<string, Deferred>;
  /** Waited long enough: sent although the cluster is not there. */
  readonly waived: Set<string>;
  /** Clusters changed and not sent yet; true: new to the node. */
  readonly touched: Map<string, boolean>;
  /** An answer is due even without resources. */
  mustAnswer: boolean;
  /** Work came from a request: do not wait for an ACK first. */
  urgent: boolean;
  readonly outstanding: Map<string, SentResponse>;
  lastSentAt: number;
  sentVersion: string | null;
  ackedVersion: string | null;
  nacked: NodeTypeStatus["nacked"];
  /** Refused and not replaced since. */
  readonly rejected: Set<string>;
  /** Monotonic milliseconds when `rejected` is offered again; infinite: not without a change. */
  retryAt: number;
  retries: number;
}

/** A subscription before its first request. */
export function openSubscription(kind: { typeUrl: string; delta: boolean; fullState: boolean }): Subscription {
  return {
    ...kind,
    wildcard: false,
    legacy: false,
    names: new Set(),
    rawNames: NO_NAMES,
    base: NO_RESOURCES,
    pending: new Map(),
    absent: new Set(),
    deferred: new Map(),
    waived: new Set(),
    touched: new Map(),
    mustAnswer: false,
    urgent: false,
    outstanding: new Map(),
    lastSentAt: 0,
    sentVersion: null,
    ackedVersion: null,
    nacked: null,
    rejected: new Set(),
    retryAt: Number.POSITIVE_INFINITY,
    retries: 0,
  };
}

/** True when the node is to see the resource of this name. */
export function inScope(sub: Subscription, name: string): boolean {
  return sub.wildcard || sub.names.has(name);
}

/** True when nothing is to be sent, awaited or repaired: the node runs the newest state of the type. */
export function isSettled(sub: Subscription, view: TypeView): boolean {
  return isSent(sub, view) && sub.outstanding.size === 0 && sub.nacked === null;
}

/** True when everything was sent, whatever the node said to it. */
export function isSent(sub: Subscription, view: TypeView): boolean {
  return !hasWork(sub, view) && sub.deferred.size === 0;
}

/** True when there may be something to send, apart from what waits for another type. */
export function hasWork(sub: Subscription, view: TypeView): boolean {
  return sub.base !== view.resources || sub.pending.size + sub.absent.size > 0 || sub.mustAnswer;
}

/** How a type's first request is to be read. */
export interface FirstRequest {
  /** An empty list is a wildcard. */
  readonly legacyWildcard: boolean;
}

/** Applies the names of a state-of-the-world request. `first`: this is the type's first request on the stream. */
export function applySotwNames(
  sub: Subscription,
  request: { rawNames: Buffer; version: string },
  context: { view: TypeView; first: FirstRequest | null },
): void {
  const { view, first } = context;
  if (first === null && sub.rawNames.equals(request.rawNames)) return;
  const names = decodeNames(request.rawNames);
  sub.rawNames = Buffer.from(request.rawNames);
  const hadWildcard = sub.wildcard;
  if (first !== null) sub.legacy = first.legacyWildcard && names.length === 0;
  else if (names.length > 0) sub.legacy = false;
  const wanted = new Set(names.map((name) => intern(view, name)));
  sub.wildcard = wanted.delete("*") || sub.legacy;
  for (const name of sub.names) if (!wanted.has(name)) forgetName(sub, name);
  for (const name of wanted) {
    if (sub.names.has(name)) continue;
    sub.names.add(name);
    if (view.resources.has(name)) demand(sub, name);
  }
  if (first !== null) startSotw(sub, request.version, view);
  else if (sub.wildcard && !hadWildcard) demandAll(sub, view);
  else if (hadWildcard && !sub.wildcard) forgetUnnamed(sub);
}

/**
 * The client's version is read here and never again. Only a pure wildcard of a full-state type can be trusted: with names, the
 * client may have subscribed to something new while it was away.
 */
function startSotw(sub: Subscription, version: string, view: TypeView): void {
  if (!sub.wildcard) {
    sub.base = view.resources;
    return;
  }
  if (sub.fullState && sub.names.size === 0 && version === view.version) {
    sub.base = view.resources;
    sub.ackedVersion = version;
    return;
  }
  sub.mustAnswer = true;
  sub.urgent = true;
}

/** Applies the subscription changes of a delta request. `first`: this is the type's first request on the stream. */
export function applyDeltaNames(
  sub: Subscription,
  request: DeltaRequest,
  context: { view: TypeView; first: FirstRequest | null },
): void {
  const { view, first } = context;
  if (first?.legacyWildcard && request.subscribe.length === 0) sub.wildcard = true;
  const hadWildcard = sub.wildcard;
  for (const name of request.subscribe) {
    if (name === "*") sub.wildcard = true;
    else subscribeName(sub, intern(view, name), view);
  }
  if (sub.names.size > MAX_NAMES) throw new BadRequest(`a subscription names more than ${MAX_NAMES} resources`);
  if (first !== null) startDelta(sub, request.initialVersions, view);
  else if (sub.wildcard && !hadWildcard) demandAll(sub, view);
  for (const name of request.unsubscribe) unsubscribeName(sub, name, view);
}

function subscribeName(sub: Subscription, name: string, view: TypeView): void {
  sub.names.add(name);
  if (view.resources.has(name)) demand(sub, name);
  else denyName(sub, name);
}

/** On reconnect the node says what it has: only differences are sent, removals among them. */
function startDelta(sub: Subscription, known: ReadonlyMap<string, string>, view: TypeView): void {
  if (sub.wildcard) {
    sub.urgent = true;
    sub.mustAnswer = known.size === 0;
  }
  if (known.size === 0) {
    if (!sub.wildcard) sub.base = view.resources;
    return;
  }
  sub.base = view.resources;
  for (const [name, resource] of view.resources) {
    if (!inScope(sub, name)) continue;
    const version = known.get(name);
    if (version === resource.version) {
      sub.pending.delete(name);
      continue;
    }
    demand(sub, name);
    if (sub.typeUrl === CLUSTER) sub.touched.set(name, version === undefined);
  }
  for (const name of known.keys()) if (!view.resources.has(name) && inScope(sub, name)) sub.absent.add(name);
  if (sub.pending.size === 0 && sub.absent.size === 0) sub.ackedVersion = view.version;
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
  // The client has dropped the resource with the name, although the wildcard still covers it: it must be told again.
  if (view.resources.has(name)) demand(sub, name);
  else denyName(sub, name);
}

/** The resource is to be sent whatever the node has. */
function demand(sub: Subscription, name: string): void {
  sub.pending.set(name, undefined);
  sub.absent.delete(name);
  sub.deferred.delete(name);
  sub.urgent = true;
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

function forgetName(sub: Subscription, name: string): void {
  sub.names.delete(name);
  if (!sub.wildcard) dropState(sub, name);
}

function forgetUnnamed(sub: Subscription): void {
  for (const table of [sub.pending, sub.absent, sub.deferred, sub.touched, sub.rejected]) {
    for (const name of table.keys()) if (!sub.names.has(name)) dropState(sub, name);
  }
}

function dropState(sub: Subscription, name: string): void {
  sub.pending.delete(name);
  sub.absent.delete(name);
  sub.deferred.delete(name);
  sub.waived.delete(name);
  sub.touched.delete(name);
  dropRejected(sub, name);
}

/** Ends the memory of a refusal when the refused resource is replaced or no longer wanted. */
function dropRejected(sub: Subscription, name: string): void {
  if (sub.rejected.delete(name) && sub.rejected.size === 0) endRefusal(sub);
}

function endRefusal(sub: Subscription): void {
  sub.nacked = null;
  sub.retryAt = Number.POSITIVE_INFINITY;
  sub.retries = 0;
}

/** One string object per resource, not one per stream: 2 000 streams of 1 000 names would hold two million. */
function intern(view: TypeView, name: string): string {
  return view.resources.get(name)?.name ?? name;
}

/** Notes a response as sent. */
export function recordSent(sub: Subscription, sent: SentResponse, now: number): void {
  sub.outstanding.set(sent.nonce, sent);
  sub.lastSentAt = now;
  sub.sentVersion = sent.version;
  if (sub.outstanding.size <= MAX_OUTSTANDING) return;
  for (const oldest of sub.outstanding.keys()) {
    sub.outstanding.delete(oldest);
    break;
  }
}

/** The response that a nonce answers; null: unknown, stale, or answered before (so a repeated NACK is one event). */
export function takeAnswered(sub: Subscription, nonce: string): SentResponse | null {
  const sent = sub.outstanding.get(nonce);
  if (sent === undefined) return null;
  // Clients answer in order; what is older was passed over in silence and will not be answered any more.
  for (const older of sub.outstanding.keys()) {
    sub.outstanding.delete(older);
    if (older === nonce) break;
  }
  return sent;
}

/**
 * The node accepted a response. When that mends a part of what it had refused, the rest is offered once more: a node may drop a
 * whole response for one bad resource. Each such offer needs fewer refused names than the one before, so there is no loop.
 */
export function recordAck(sub: Subscription, sent: SentResponse): void {
  sub.ackedVersion = sent.version;
  const refused = sub.rejected.size;
  if (sub.fullState) sub.rejected.clear();
  for (const resource of sub.rejected.size > 0 ? sent.resources : []) sub.rejected.delete(resource.name);
  for (const name of sub.rejected.size > 0 ? sent.removed : []) sub.rejected.delete(name);
  if (sub.rejected.size === 0) endRefusal(sub);
  else if (sub.rejected.size < refused) offerRejected(sub);
}

/** Whatever the node refused is to be sent once more. */
export function offerRejected(sub: Subscription): void {
  sub.retryAt = Number.POSITIVE_INFINITY;
  for (const name of sub.rejected) demand(sub, name);
}

/** Envoy's refusals of a listener whose port another process has, or whose address (a virtual IP) is not on this machine now. */
const PASSING = /cannot bind .*: (?:Address already in use|Cannot assign requested address)/;

/**
 * The node refused a response. It is not sent again (for the node's later state it counts as sent), unless the reason may pass
 * without a change of ours: then it is offered again, ever more seldom.
 */
export function recordNack(sub: Subscription, sent: SentResponse, answer: { message: string; now: number }): void {
  const { message, now } = answer;
  if (PASSING.test(message)) sub.retryAt = now + Math.min(RETRY_FIRST_MS * 2 ** sub.retries++, RETRY_MAX_MS);
  for (const resource of sent.resources) if (inScope(sub, resource.name)) sub.rejected.add(resource.name);
  const resources = sent.resources.slice(0, MAX_REFUSED_NAMES).map((resource) => resource.name);
  sub.nacked = { version: sent.version, message, resources };
}

/** The node's state of the type, for `NodeStatus`. */
export function typeStatus(sub: Subscription): NodeTypeStatus {
  return { typeUrl: sub.typeUrl, sent: sub.sentVersion, acked: sub.ackedVersion, nacked: sub.nacked };
}

/** Ends the memory of a refusal of a resource that is gone from the view. */
export function recordGone(sub: Subscription, name: string): void {
  dropRejected(sub, name);
}
