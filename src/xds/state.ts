/** The state that the server's parts share: groups, streams, and what serves them all. Plain data. */

import type { Outbox, Pool, Purse } from "./budgets.ts";
import type { DeltaRequest, RequestNode, SotwRequest } from "./decode.ts";
import type { Departed } from "./departed.ts";
import type { Echoes } from "./echoes.ts";
import type { History } from "./history.ts";
import type { Metrics } from "./metrics.ts";
import type { NameSet, NameSets } from "./nameSets.ts";
import type { Payload, PayloadCache } from "./payload.ts";
import type { DiscoveryMethod } from "./resourceTypes.ts";
import type { Draining, Outstanding, Refused, SentResponse, Subscription } from "./subscription.ts";
import type { Clock, Connection, EndStatus, Message } from "./transport.ts";
import type { NackEvent, RefusalReader, SecretsEvent, StreamEvent, XdsResource } from "./types.ts";
import { EMPTY_VIEW, type ResourceMap, type TypeView } from "./view.ts";

/** What the streams of one server share. */
export interface Context {
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly payloads: PayloadCache;
  readonly nameSets: NameSets;
  readonly echoes: { readonly delta: Echoes<DeltaRequest>; readonly sotw: Echoes<SotwRequest> };
  readonly onNack: (event: NackEvent) => void;
  readonly onStream: (event: StreamEvent) => void;
  readonly onSecrets: (event: SecretsEvent) => void;
  /** A defect of ours: reports it and ends the stream. */
  readonly onDefect: (stream: Stream, error: unknown) => void;
  /** Memory that clients make the server keep. */
  readonly memory: Pool;
  readonly readRefusal: RefusalReader;
  /** What nodes are asked about refused responses, by what these offered. */
  readonly inquiries: WeakMap<TypeView, Map<string, Inquiry>>;
  /** Looks soon whether these have something to send. */
  readonly wake: (streams: Iterable<Stream>) => void;
  /** Takes leave of these soon. */
  readonly leave: (leaving: Iterable<Leaving>) => void;
  readonly legacyWildcard: (typeUrl: string) => boolean;
  readonly readsErrors: (userAgent: string) => boolean;
}

/** What is asked of one node about a response that many refused. */
export interface Inquiry {
  readonly message: string;
  /** Monotonic milliseconds until when its answer is waited for. */
  readonly until: number;
  /** What is refused; null: not known yet. */
  found: ReadonlyMap<string, Refused> | null;
  readonly followers: Set<Stream>;
}

/** Nodes that see the same resources. */
export interface Group {
  readonly name: string;
  revision: number;
  /** How often its view was set. */
  changes: number;
  readonly types: Map<string, TypeView>;
  /** Of the types that nodes may lose resources of while they are away. */
  readonly history: Map<string, History>;
  /** Clusters that the view has got in the last moments, oldest first: for streams that see no other type than their own. */
  readonly recent: { readonly names: ReadonlySet<string>; readonly at: number }[];
  /** What the view has lost, of the types that nodes may still use then. */
  readonly departed: ReadonlyMap<string, Departed>;
  /** By node id: until when (monotonic) a node that came back, with a stream for each type, may still come back with others. */
  readonly returned: Map<string, number>;
  /** By node id: what streams that ended a moment ago left undone. */
  readonly interrupted: Map<string, Interrupted>;
  readonly streams: Set<Stream>;
  /** The last one for each route and listener; forgotten when the view changes. */
  findings: WeakMap<XdsResource, Finding>;
  /** What the last change made of streams that stood at one point; forgotten when the view changes. */
  readonly repeats: Repeat[];
  /** Those that subscribe to what is asked for on demand. */
  readonly onDemand: Set<Stream>;
  /** It was set by its owner; otherwise it is there for the nodes that named it, and served empty. */
  declared: boolean;
}

/** Whether streams that ask for the same reach all that a resource's clusters wait for. */
export interface Finding {
  /** By type: the name set's number; 0: a wildcard; undefined: not asked for. */
  readonly scopes: readonly (number | undefined)[];
  readonly reaches: boolean;
}

/** What an ended stream owed its node. A cluster may be warming there for it, whatever versions the node names when it comes back. */
export interface Interrupted {
  /** Monotonic milliseconds. */
  readonly at: number;
  readonly owed: SentResponse[] | "all";
  /** The last clusters and listeners sent, and what was on its way of the types that they wait for. */
  readonly warmed: readonly SentResponse[];
  readonly subs: readonly Pick<Subscription, "typeUrl" | "pending" | "outstanding">[];
}

/** Clusters that one response brought new to the node. */
export interface FreshClusters {
  /** The response's number. */
  readonly number: number;
  readonly names: Pick<ReadonlySet<string>, "has">;
  /** Monotonic milliseconds when it was sent: after a while nothing waits for them any more. */
  readonly at: number;
  accepted: boolean;
}

/** A stream that was stopped and has not been taken leave of; undefined: it ends well. */
export interface Leaving {
  readonly stream: Stream;
  readonly status: EndStatus | undefined;
}

/** Where a stream stands with one type. */
export interface Stand {
  readonly typeUrl: string;
  readonly ttl: boolean;
  readonly base: ResourceMap;
  readonly wildcard: boolean;
  /** What else it asks for. */
  readonly names: NameSet | null;
}

/**
 * Where a repeat leaves a stream, and where it stays while nothing but acceptances of these responses comes. Two streams at one point with
 * everything answered stand alike.
 */
export interface Point {
  /** `Group.changes` when it was made: as long as that stays there is nothing to send. */
  readonly change: number;
  readonly acceptances: readonly Acceptance[];
}

/** A response accepted, and nothing else asked for. */
export interface Acceptance {
  /** Of which subscription, by its place. */
  readonly place: number;
  /** One bit of `Stream.unanswered`. */
  readonly bit: number;
  readonly response: SentResponse;
  /** How the first stream said it; null: none has. Others mostly use the same bytes. */
  message: Buffer | null;
}

/** Where a stream stands that has answered everything, and for which nothing waits. */
export interface Standing {
  /** Where the last repeat left it; null: something else came since. */
  readonly point: Point | null;
  readonly method: Stream["method"];
  readonly userAgent: string;
  readonly stands: readonly Stand[];
  /** What it owed, which matters to types that it asks for later alone: no repeat adds to that. */
  readonly owed: number;
}

/** What was done for a stream that stood there. */
export interface Repeat {
  readonly from: Standing;
  readonly bases: readonly ResourceMap[];
  readonly responses: readonly Response[];
  /** The same, as they are written. */
  readonly messages: readonly Message[];
  /** Where it leads; null: there is more to send of the change. */
  readonly point: Point | null;
}

/** A response that it was sent. */
export interface Response {
  readonly payload: Payload;
  /** Of which subscription, by its place. */
  readonly place: number;
  readonly sent: Outstanding;
  readonly isWarmed: boolean;
}

/** A stream whose first request has come. */
export interface Stream {
  readonly context: Context;
  readonly method: DiscoveryMethod;
  readonly connection: Connection;
  readonly group: Group;
  readonly node: RequestNode;
  readonly connectedAt: string;
  /** Pays for its names. */
  readonly purse: Purse;
  readonly outbox: Outbox;
  readonly subs: Map<string, Subscription>;
  /** The same, in push order. */
  ordered: Subscription[];
  writing: boolean;
  /** There may be more to send once that is through. */
  missed: boolean;
  /** A request is acted on, a part at a time. */
  applying: boolean;
  ended: boolean;
  /** Number of the last payload: later ones have nonces that this stream has not seen. */
  lastNumber: number;
  /** Where a repeat left it; null: something else has come since. */
  point: Point | null;
  /** Which of the point's responses it has not answered, a bit each. */
  unanswered: number;
  /** Oldest first; those of the last moments only. */
  readonly fresh: FreshClusters[];
  /**
   * Clusters and listeners sent before the types that they wait for were asked for: whatever versions the node names then, it
   * waits for these. `all`: too many to remember.
   */
  owed: SentResponse[] | "all";
  /** Clusters and listeners that the node may still be warming, with the time when they were sent. */
  readonly warmed: { readonly response: SentResponse; readonly at: number }[];
  /** Until then (monotonic) a node that came back with resources may still ask for further types. */
  returningUntil: number;
  draining: Draining;
  /** By type: an inquiry that this stream leads or waits for, and the names that it is about here. */
  readonly inquiries: Map<string, { inquiry: Inquiry; leads: boolean; names: readonly string[] }>;
  /** The earliest time at which something that waits now may go. */
  dueAt: number;
  wakeAt: number;
  cancelWake: () => void;
  ackedRevision: number | null;
}

/** The group's state of a type; empty when it has none. */
export function viewOf(group: Group, typeUrl: string): TypeView {
  return group.types.get(typeUrl) ?? EMPTY_VIEW;
}
