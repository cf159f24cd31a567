/**
 * What one stream wants of one type, and what it has been sent: the state machine of requests (xds.md 1.13). Plain state and
 * functions; nothing here knows of streams, time or the network. What requests for names do to it is subscriptionNames.ts, what
 * answers do subscriptionAnswers.ts.
 *
 * Invariant: a name in scope that is in none of `pending`, `absent` and `deferred` stands at the node as `base` says.
 */
import { NO_NAMES } from "./decode.ts";
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
  /** Bytes that it keeps for one stream alone while it is not answered: of removed names, which clients may have made up. */
  readonly keeps: number;
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
  /** Those of them that named no resource when they came, and the one text of each: it is kept for this subscription alone. */
  readonly foreign: Map<string, string>;
  foreignBytes: number;
  /** What the stream's purse has paid for all of these (budgets.ts). */
  paid: number;
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
    foreign: new Map(),
    foreignBytes: 0,
    paid: 0,
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

/** The resource is to be sent whatever the node has. */
export function demand(sub: Subscription, name: string): void {
  sub.pending.set(name, undefined);
  sub.absent.delete(name);
  sub.deferred.delete(name);
  sub.urgent = true;
}

/** Ends the memory of a refusal when the refused resource is replaced or no longer wanted. */
export function dropRejected(sub: Subscription, name: string): void {
  if (sub.rejected.delete(name) && sub.rejected.size === 0) endRefusal(sub);
}

/** Nothing is refused any more. */
export function endRefusal(sub: Subscription): void {
  sub.nacked = null;
  sub.retryAt = Number.POSITIVE_INFINITY;
  sub.retries = 0;
}
