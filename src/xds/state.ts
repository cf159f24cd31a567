/** The state that the server's parts share: groups, streams, and what serves them all. Plain data. */

import type { Outbox, Pool, Purse } from "./budgets.ts";
import type { RequestNode } from "./decode.ts";
import type { Metrics } from "./metrics.ts";
import type { PayloadCache } from "./payload.ts";
import type { DiscoveryMethod } from "./resourceTypes.ts";
import type { Subscription } from "./subscription.ts";
import type { Clock, Connection } from "./transport.ts";
import type { NackEvent } from "./types.ts";
import { EMPTY_VIEW, type TypeView } from "./view.ts";

/** What the streams of one server share. */
export interface Context {
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly payloads: PayloadCache;
  readonly onNack: (event: NackEvent) => void;
  /** A defect of ours: reports it and ends the stream. */
  readonly onDefect: (stream: Stream, error: unknown) => void;
  /** Memory that clients make the server keep. */
  readonly memory: Pool;
  readonly legacyWildcard: (typeUrl: string) => boolean;
}

/** Nodes that see the same resources. */
export interface Group {
  readonly name: string;
  revision: number;
  readonly types: Map<string, TypeView>;
  readonly streams: Set<Stream>;
}

/** A cluster that is new to the node and not yet in use there. */
export interface FreshCluster {
  /** Number of the response that brought it. Endpoints that went before it do not count. */
  readonly number: number;
  accepted: boolean;
  /** The endpoints' name; null: accepted, or there are none to wait for. */
  endpoints: string | null;
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
  ended: boolean;
  /** Number of the last payload: later ones have nonces that this stream has not seen. */
  lastNumber: number;
  readonly fresh: Map<string, FreshCluster>;
  freshAt: number;
  wakeAt: number;
  cancelWake: () => void;
  ackedRevision: number | null;
}

/** The group's state of a type; empty when it has none. */
export function viewOf(group: Group, typeUrl: string): TypeView {
  return group.types.get(typeUrl) ?? EMPTY_VIEW;
}
