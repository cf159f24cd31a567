/** What lives as long as one server: its groups, its open streams, and how a stream ends. */
import type { RequestNode } from "./decode.ts";
import { createDeparted } from "./departed.ts";
import type { Door } from "./door.ts";
import { createHistory } from "./history.ts";
import { leaveInquiries } from "./inquiries.ts";
import { countEnd } from "./metrics.ts";
import type { Places } from "./places.ts";
import type { EndReason } from "./reasons.ts";
import type { RefusedClient } from "./refusals.ts";
import { PARTING_TYPES, REMEMBERED_TYPES } from "./resourceTypes.ts";
import type { Context, Group, Leaving, Stream } from "./state.ts";
import { type EndStatus, STATUS } from "./transport.ts";
import { noteInterrupted } from "./warming.ts";

/** One server. */
export interface Room {
  readonly context: Context;
  readonly groups: Map<string, Group>;
  /** The open streams, each as what ends it. */
  readonly streams: Set<(status: EndStatus) => void>;
  readonly places: Places;
  readonly groupOf: (node: RequestNode) => string;
  readonly serveUnknown: boolean;
  readonly door: Door;
  /** Counts and tells whom the door did not get to see. */
  readonly noteRefusal: (client: RefusedClient) => void;
  readonly onError: (error: unknown) => void;
  closing: boolean;
}

/** A group that nothing is known of yet. */
export function addGroup(room: Room, name: string): Group {
  const history = new Map(Array.from(REMEMBERED_TYPES, (typeUrl) => [typeUrl, createHistory()]));
  const departed = new Map(Array.from(PARTING_TYPES, (typeUrl) => [typeUrl, createDeparted()]));
  const streams = { streams: new Set<Stream>(), onDemand: new Set<Stream>(), interrupted: new Map() };
  const lately = { recent: [], departed, returned: new Map() };
  const seen = { types: new Map(), history, findings: new WeakMap(), repeats: [] };
  const group: Group = { name, revision: 0, changes: 0, declared: false, ...seen, ...lately, ...streams };
  room.groups.set(name, group);
  return group;
}

/** Why all streams of a stopping server end. */
export const GOING_DOWN: EndStatus = { code: STATUS.UNAVAILABLE, message: "the server is shutting down" };

/** Why a stream of a node without a group ends. */
export function unknownGroup(name: string): EndStatus {
  const shown = JSON.stringify(name);
  const message = `there is no fleet ${shown} (the node's cluster names its fleet); the node keeps its configuration`;
  return { code: STATUS.NOT_FOUND, message };
}

/** Ends admitted streams against their clients' will, and counts them. From now on nothing is sent to any of them. */
export function turnAway(context: Context, streams: Iterable<Stream>, { status, reason }: TurnedAway): void {
  const leaving: Leaving[] = [];
  for (const stream of streams) {
    if (stream.ended) continue;
    stop(stream);
    context.metrics.refusedStreams += 1;
    countEnd(context.metrics, reason);
    leaving.push({ stream, status });
  }
  context.leave(leaving);
}

interface TurnedAway {
  readonly status: EndStatus;
  readonly reason: EndReason;
}

/** Ends an admitted stream. */
export function endStream(stream: Stream, status?: EndStatus): void {
  if (stream.ended) return;
  stop(stream);
  leave({ stream, status });
}

function stop(stream: Stream): void {
  stream.ended = true;
  stream.cancelWake();
}

/** What is left to do for a stream that was stopped. */
export function leave({ stream, status }: Leaving): void {
  noteInterrupted(stream);
  leaveInquiries(stream);
  for (const { names } of stream.subs.values()) names.release();
  stream.group.streams.delete(stream);
  stream.group.onDemand.delete(stream);
  stream.connection.end(status);
}
