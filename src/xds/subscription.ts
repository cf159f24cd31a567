/**
 * What one stream wants of one type, and what it has been sent: the state machine of requests (xds.md 1.13). Plain state and
 * functions; nothing here knows of streams, time or the network. What requests for names do to it is subscriptionNames.ts, what
 * answers do subscriptionAnswers.ts.
 *
 * Invariant: a name in scope that is in none of `pending`, `absent` and `deferred` stands at the node as `base` says.
 */

import { NO_NAMES } from "./decode.ts";
import { Names } from "./names.ts";
import { Notes, type ReadonlyNotes } from "./notes.ts";
import type { XdsResource } from "./types.ts";
import { NO_RESOURCES, type ResourceMap, type TypeView } from "./view.ts";
import { globOver } from "./xdstp.ts";

/** A response that was sent. Shared by the streams that got the same bytes. */
export interface SentResponse {
  /** Grows with every encoded response of the server; the nonce is made of it. */
  readonly number: number;
  readonly nonce: string;
  readonly version: string;
  readonly resources: readonly XdsResource[];
  readonly removed: readonly string[];
  /** Bytes that it keeps for one stream alone while it is not answered: of removed names, which clients may have made up. */
  readonly keeps: number;
  /** `resources` by name; made when first asked for. */
  readonly byName: () => ReadonlyMap<string, XdsResource>;
}

/** A node has something of a name, and we do not know what: it may refer to anything. */
export const UNKNOWN: XdsResource = { typeUrl: "", name: "", bytes: new Uint8Array(), version: "", refs: [] };

/** By name: routes as the node has them, and until when (monotonic milliseconds) what they name is kept. Never changed: replaced. */
export type Draining = ReadonlyMap<string, { readonly has: XdsResource; readonly until: number }>;

/** A change that waits for another. */
export interface Deferred {
  /** What the node has now; undefined: nothing, or not known. */
  readonly has: XdsResource | undefined;
  /** Monotonic milliseconds after which it waits no longer, unless what it waits for was refused. */
  readonly deadline: number;
  /** A removed listener: those that came with its removal and may replace it. */
  readonly after: readonly string[];
}

/** What a node has, by name. */
export interface Had extends ReadonlyNotes<XdsResource | undefined> {
  set(name: string, has: XdsResource | undefined): void;
}

/** A response that the node has not answered yet. */
export interface Outstanding {
  readonly response: SentResponse;
  /** Monotonic milliseconds. */
  readonly at: number;
  /** Full state: what was new in it, and what the node had instead. Null: the response holds nothing else. */
  readonly offered: Notes<XdsResource | undefined> | null;
  /** What the node had of what was sent, as far as it is known. */
  readonly had: Had;
  /** What it takes away, as far as it is known. */
  readonly left: Had;
  /** It offers again a part of what was refused. */
  readonly trial: boolean;
}

/** A resource that the node refused, and has not accepted since. */
export interface Refused {
  readonly resource: XdsResource;
  /** What the node has instead; undefined: nothing. */
  readonly has: XdsResource | undefined;
  /** The refusal was of this resource, and not only of a response that it was in. */
  readonly alone: boolean;
  /** It may be accepted later as it is. */
  readonly passing: boolean;
}

export interface Subscription {
  readonly typeUrl: string;
  readonly delta: boolean;
  /** Responses hold every resource in scope, and absence deletes (state of the world: LDS, CDS). */
  readonly fullState: boolean;
  /** A name that is not there is answered: in `removed_resources`, or as an error of the response. */
  readonly tellsMissing: boolean;
  /** The node is told times to live, and gets heartbeats. */
  readonly ttl: boolean;
  /** Monotonic milliseconds when the next heartbeat is due; infinite: nothing sent so far has a time to live. */
  heartbeatAt: number;
  heartbeats: number;
  wildcard: boolean;
  /** Only while no name was ever given: an empty list means everything. */
  legacy: boolean;
  readonly names: Names;
  /** Those of them that named no resource when they came, and the one text of each: it is kept for this subscription alone. */
  readonly foreign: Notes<string>;
  foreignBytes: number;
  /** What names take that the node says it has, that are not there, and that it has not been told of yet. */
  lostBytes: number;
  /** What the stream's purse has paid for all of these (budgets.ts). */
  paid: number;
  /** The encoded names of the last state-of-the-world request, shared: an equal ACK needs no parsing. */
  rawNames: Buffer;
  base: ResourceMap;
  /** Full state: the node has resources, and nobody knows which. */
  blind: boolean;
  /** Monotonic milliseconds until when the first response waits for what another type's request says (presumed.ts); 0: it does not. */
  postponedUntil: number;
  /** Full state: what we think the node has is not proven (doubts.ts), and the node was asked to accept that alone. */
  doubt: "none" | "open" | "asked";
  /** To be sent; the value is what the node has, undefined when it must be sent whatever that is. */
  readonly pending: Notes<XdsResource | undefined>;
  /** Of these, what the view does not have any more, and the node waits for all the same (kept.ts). */
  readonly kept: Notes<XdsResource>;
  /** To be named in `removed_resources` (delta) or `resource_errors` (state of the world). */
  readonly absent: Notes<true>;
  readonly deferred: Notes<Deferred>;
  /** The earliest deadline among them, or earlier. */
  deferredUntil: number;
  /**
   * All that is deferred waits for connections that these routes serve, and for nothing else: the newest state is in use. Null: that is
   * not so, or not known.
   */
  lingersFor: Draining | null;
  /** To be taken away with the next response; the value is what the node has. */
  readonly leaving: Notes<XdsResource | undefined>;
  /** Waited long enough: sent although the cluster is not there. */
  readonly waived: Notes<true>;
  /** Clusters and listeners changed and not sent yet; true: new to the node. */
  readonly touched: Notes<boolean>;
  /** An answer is due even without resources. */
  mustAnswer: boolean;
  /** Work came from a request: do not wait for an ACK first. */
  urgent: boolean;
  /** In the order in which they went out. */
  readonly outstanding: Outstanding[];
  lastSentAt: number;
  sentVersion: string | null;
  /** The last version of which nothing is missing and nothing was refused. */
  ackedVersion: string | null;
  /** The one before that. */
  ackedEarlier: string | null;
  /** The node has accepted what it has, and that was not all there is: the rest is told it, or need not be any more. */
  partlyAcked: boolean;
  nacked: { readonly version: string; readonly message: string } | null;
  readonly rejected: Notes<Refused>;
  /** Monotonic milliseconds when `rejected` is offered again; infinite: not without a change. */
  retryAt: number;
  retries: number;
  /** Parts of what was refused, to be offered one after the other. */
  readonly trials: (readonly string[])[];
  /** The next response offers one of them. */
  trial: boolean;
  /** How many responses may still be spent on this. */
  trialsLeft: number;
  /** How many more may be refused before one is accepted; infinite: any number. */
  samplesLeft: number;
  /** Parts are being offered, or about to be. */
  searching: boolean;
  /** Monotonic milliseconds when what a search did not find out is looked at again; infinite: there is no such thing. */
  searchAt: number;
}

/** A subscription before its first request. */
export function openSubscription(
  kind: { typeUrl: string; delta: boolean; fullState: boolean } & { tellsMissing?: boolean; ttl?: boolean },
): Subscription {
  const { typeUrl, delta, fullState, tellsMissing = delta, ttl = false } = kind;
  // Not `...kind`: after that, V8 adds the fields one by one, and thousands of nodes may connect at once.
  return {
    typeUrl,
    delta,
    fullState,
    tellsMissing,
    ttl,
    heartbeatAt: Number.POSITIVE_INFINITY,
    heartbeats: 0,
    wildcard: false,
    legacy: false,
    names: new Names(),
    foreign: new Notes(),
    foreignBytes: 0,
    lostBytes: 0,
    paid: 0,
    rawNames: NO_NAMES,
    base: NO_RESOURCES,
    blind: false,
    postponedUntil: 0,
    doubt: "none",
    pending: new Notes(),
    kept: new Notes(),
    absent: new Notes(),
    deferred: new Notes(),
    deferredUntil: Number.POSITIVE_INFINITY,
    lingersFor: null,
    leaving: new Notes(),
    waived: new Notes(),
    touched: new Notes(),
    mustAnswer: false,
    urgent: false,
    outstanding: [],
    lastSentAt: 0,
    sentVersion: null,
    ackedVersion: null,
    ackedEarlier: null,
    partlyAcked: false,
    nacked: null,
    rejected: new Notes(),
    retryAt: Number.POSITIVE_INFINITY,
    retries: 0,
    trials: [],
    trial: false,
    trialsLeft: 0,
    samplesLeft: Number.POSITIVE_INFINITY,
    searching: false,
    searchAt: Number.POSITIVE_INFINITY,
  };
}

/** True when the node is to see the resource of this name. */
export function inScope(sub: Subscription, name: string): boolean {
  return sub.wildcard || isNamed(sub, name);
}

/** True when the name was asked for, by itself or by a glob. */
export function isNamed(sub: Subscription, name: string): boolean {
  if (sub.names.has(name)) return true;
  const glob = globOver(name);
  return glob !== null && sub.names.has(glob);
}

/** True when nothing is to be sent, awaited or repaired: the node runs the newest state of the type. */
export function isSettled(sub: Subscription, view: TypeView): boolean {
  return isInUse(sub, view) && sub.outstanding.length === 0 && sub.nacked === null;
}

/** True when everything was sent but what old connections still need. */
export function isInUse(sub: Subscription, view: TypeView): boolean {
  return !hasWork(sub, view) && (sub.deferred.size === 0 || sub.lingersFor !== null);
}

/** True when there is nothing to send, to wait for or to wake for: what most types of a stream are when one of them changes. */
export function isIdle(sub: Subscription, view: TypeView): boolean {
  const isQuiet = !sub.urgent && sub.postponedUntil === 0 && sub.heartbeatAt === Number.POSITIVE_INFINITY;
  return isQuiet && sub.outstanding.length + sub.rejected.size === 0 && isSent(sub, view);
}

/** True when everything was sent, whatever the node said to it. */
export function isSent(sub: Subscription, view: TypeView): boolean {
  return !hasWork(sub, view) && sub.deferred.size === 0;
}

/** True when there may be something to send, apart from what waits for another type. */
export function hasWork(sub: Subscription, view: TypeView): boolean {
  return sub.base !== view.resources || sub.pending.size + sub.absent.size > 0 || sub.mustAnswer;
}

/** Notes what the node has accepted without anything missing. */
export function setAcked(sub: Subscription, version: string): void {
  sub.partlyAcked = false;
  if (sub.ackedVersion === version) return;
  sub.ackedEarlier = sub.ackedVersion;
  sub.ackedVersion = version;
}

/** The resource is to be sent whatever the node has. `has`: UNKNOWN when it may have something, which it is to lose with the view. */
export function demand(sub: Subscription, name: string, has?: XdsResource): void {
  sub.pending.set(name, has);
  sub.absent.delete(name);
  sub.deferred.delete(name);
  sub.leaving.delete(name);
  sub.urgent = true;
}

/** Ends the memory of a refusal when the refused resource is replaced or no longer wanted. */
export function dropRejected(sub: Subscription, name: string): void {
  if (sub.rejected.delete(name) && sub.rejected.size === 0) endRefusal(sub);
}

/** Nothing is refused any more. */
export function endRefusal(sub: Subscription): void {
  sub.nacked = null;
  sub.trials.length = 0;
  sub.searching = false;
  sub.searchAt = Number.POSITIVE_INFINITY;
  sub.retryAt = Number.POSITIVE_INFINITY;
  sub.retries = 0;
}
