/** The vocabulary of the xDS room: opaque resources, and what is known about each node. */

import type { EndReason } from "./reasons.ts";
import type { RefusalReason } from "./refusals.ts";

/** One resource. Immutable: a changed resource is a new object. */
export interface XdsResource {
  readonly typeUrl: string;
  readonly name: string;
  /** The serialised message (the value of its Any). */
  readonly bytes: Uint8Array;
  /** Hash of the content, aliases and ttl, at most 16 characters. */
  readonly version: string;
  /** Resources that must be there first: `[typeUrl, name]`. */
  readonly refs: readonly (readonly [string, string])[];
  /** Of one with secrets, whose `bytes` have references in their place: the message with them, for the wire alone. */
  readonly opened?: ((open: (reference: string) => string) => Uint8Array) | undefined;
  /** Further names by which nodes may ask for it. */
  readonly aliases?: readonly string[];
  /** How long a node keeps it without word from us, in milliseconds; nodes that know this get heartbeats. */
  readonly ttlMs?: number;
}

/**
 * What a refusal says of the refused resource: `final`, it must change; `passing`, the same may be accepted later; `occupied`,
 * something stands in its place that the node has and is about to lose.
 */
export type RefusalKind = "final" | "passing" | "occupied";

/** Reads a node's refusal. Whoever knows the proxy's texts gives it; it is called for each refused response. */
export type RefusalReader = (typeUrl: string, message: string) => RefusalKind;

/** typeUrl -> name -> resource: everything that one group of nodes may see. */
export type XdsView = ReadonlyMap<string, ReadonlyMap<string, XdsResource>>;

/** What happened to one type on one node's stream. */
export interface NodeTypeStatus {
  readonly typeUrl: string;
  /** Version last sent, last accepted with nothing missing, and last refused; null: none yet. */
  readonly sent: string | null;
  readonly acked: string | null;
  readonly nacked: { readonly version: string; readonly message: string; readonly resources: readonly string[] } | null;
  /** Resources that the view has no more and the node keeps for now, as what is to take their place is not there; at most 100. */
  readonly kept: readonly string[];
}

/** One open stream. A node has one, or one for each type when it does without aggregation; two nodes may have the same id. */
export interface NodeStatus {
  readonly nodeId: string;
  readonly group: string;
  /** Address and port of the other side. */
  readonly peer: string;
  /** RFC 3339. */
  readonly connectedAt: string;
  readonly userAgent: string;
  /** The group's `revision` tag as it was when all that this stream subscribes to was last accepted; null: never yet. */
  readonly ackedRevision: number | null;
  readonly types: readonly NodeTypeStatus[];
}

/** One open stream in short. */
export interface NodePresence {
  readonly group: string;
  readonly nodeId: string;
  /** As of `NodeStatus`. */
  readonly ackedRevision: number | null;
  /** Resources that it does not have because it refused them. */
  readonly refused: number;
}

/** What one open stream has said to resources of one type. */
export interface NodeAnswers {
  readonly nodeId: string;
  /** What it refuses now. */
  readonly refused: ReadonlySet<string>;
  /** What it was not sent yet, or has not answered; `all`: it has not seen the newest state. */
  readonly unanswered: ReadonlySet<string> | "all";
}

/** What a state of a group is called. */
export interface XdsRevision {
  readonly revision: number;
  /** By type URL. */
  readonly versions?: ReadonlyMap<string, string>;
}

/** The nodes' side of the server. `group` is the fleet's name; the room attaches no meaning to it. */
export interface XdsServer {
  /**
   * Replaces a group's whole view. Unchanged resources must be the same objects; cost is proportional to what changed. `versions`:
   * versions to show for types instead of the hash of their content; one alone is no change, and one that repeats hides none.
   */
  setView(group: string, view: XdsView, revision: number | XdsRevision): void;
  /**
   * Says who may pull a group where clients show certificates: rules as `access.ts` reads them; null: nobody. Call it before the group's
   * first view; open streams that the rules no longer allow are ended. `deleteGroup` forgets them.
   */
  setAccess(group: string, rules: readonly string[] | null): void;
  /**
   * Streams of an unknown or deleted group are refused with NOT_FOUND; open ones are ended so. No proxy is emptied, unless
   * `unknownGroups` is "empty": then they are served nothing.
   */
  deleteGroup(group: string): void;
  /** All open streams, or the named group's, sorted by group, node id, peer and age. */
  nodes(group?: string): readonly NodeStatus[];
  /** Little of each open stream, in no order: cheap for any number. Made one by one, while nothing else runs. */
  presences(): Iterable<NodePresence>;
  /** What the group's open streams that ask for this type have said to it; made one by one, while nothing else runs. */
  answers(group: string, typeUrl: string): Iterable<NodeAnswers>;
  /** Counters since the start; a live object for `collect` functions to read. */
  metrics(): Readonly<XdsMetrics>;
  /** Binds and returns the address in use, as `127.0.0.1:18000`. */
  listen(address: string): Promise<string>;
  close(): Promise<void>;
}

/** Counters of one resource type. */
export interface XdsTypeMetrics {
  responses: number;
  /** Resources in those responses. */
  resources: number;
  /** Bytes of those responses. */
  bytes: number;
  acks: number;
  nacks: number;
  /** Resources that waited for a cluster or, when removed, for the routes that named it. */
  held: number;
}

/** Counters of the whole server. Everything but `openStreams`, `clientBytes` and `nameSets` only grows. */
export interface XdsMetrics {
  openStreams: number;
  streams: number;
  /** Streams that were ended with an error. */
  refusedStreams: number;
  requests: number;
  /** Requests whose nonce answers nothing. */
  staleNonces: number;
  /** Full-state responses above the 4 MiB that clients accept by default; they cannot be split. */
  oversizedResponses: number;
  /** Memory that clients make the server keep, as it is counted against `CLIENT_BYTES`. */
  clientBytes: number;
  /** Different lists of names that are subscribed to, whoever shares them. */
  nameSets: number;
  /** Streams and connections that the server ended, by reason. */
  readonly ended: ReadonlyMap<EndReason, number>;
  /** Clients that were turned away for what they showed of themselves, by reason; each reason is there from the start. */
  readonly refusals: ReadonlyMap<RefusalReason, number>;
  /** Certificate files that were taken into use after the start, and those that were no good. */
  tlsReloads: number;
  tlsReloadFailures: number;
  /** When the certificate in use expires, in seconds since 1970; 0: there is none. */
  tlsExpires: number;
  /** By the last part of the type URL, as `Cluster`; types that the protocol does not know count as `other`. */
  readonly types: ReadonlyMap<string, XdsTypeMetrics>;
}

/** A node refused a response. One event per response, however often the node repeats it. */
export interface NackEvent {
  readonly group: string;
  /** The group's, as it is now. */
  readonly revision: number;
  readonly nodeId: string;
  readonly peer: string;
  readonly typeUrl: string;
  readonly nonce: string;
  readonly version: string;
  readonly message: string;
  /** Names in the refused response, at most 100. */
  readonly resources: readonly string[];
}

/** A node was sent resources in which secrets are opened. */
export interface SecretsEvent {
  readonly group: string;
  /** The group's, as it is now. */
  readonly revision: number;
  readonly nodeId: string;
  readonly peer: string;
  /** Their names. */
  readonly resources: readonly string[];
}

/** A stream of a node came, went, or took all of its group's revision. */
export interface StreamEvent {
  readonly kind: "connected" | "disconnected" | "acknowledged";
  readonly group: string;
  readonly nodeId: string;
  readonly peer: string;
  readonly userAgent: string;
  /** What it asks for: `aggregated`, or one type, as `Cluster`; with ` delta` when it asks for differences. */
  readonly variant: string;
  /** The group's, as it is now. */
  readonly revision: number;
  /** Why the server ended it; null: it did not, or for what befell its whole group. */
  readonly reason: EndReason | null;
}
