/** Groups and their streams: who is let in, who is told of a change, and what is known of each node. */
import { createArrivals } from "./arrivals.ts";
import { createPool } from "./budgets.ts";
import { BadRequest, type RequestNode } from "./decode.ts";
import { createGrpcTransport } from "./grpc.ts";
import { createHistory } from "./history.ts";
import { CLIENT_BYTES, FIRST_REQUEST_MS, RESPONSE_BYTES, SLICE_MS } from "./limits.ts";
import { countEnd, createMetrics } from "./metrics.ts";
import { createPayloadCache } from "./payload.ts";
import { createPlaces, type Place, type Places } from "./places.ts";
import { pump } from "./push.ts";
import { type EndReason, OverLimit } from "./reasons.ts";
import { CLUSTER, type DiscoveryMethod, LEGACY_WILDCARD_TYPES, REMEMBERED_TYPES } from "./resourceTypes.ts";
import type { Context, Group, Stream } from "./state.ts";
import { nodeStatuses } from "./status.ts";
import { decodeRequest, handleRequest, openStream, type Request } from "./stream.ts";
import {
  type Clock,
  type Connection,
  type ConnectionHandler,
  type EndStatus,
  STATUS,
  systemClock,
  type Transport,
} from "./transport.ts";
import type { NackEvent, RefusalReader, XdsServer, XdsView } from "./types.ts";
import { diffFrom, EMPTY_VIEW, NO_RESOURCES, nextView } from "./view.ts";
import { noteInterrupted, noteRecent } from "./warming.ts";

export interface XdsServerOptions {
  /** `control_plane.identifier` of every response: the instance and its build, as `trimtab/0.1.0 host-1`. */
  readonly identifier: string;
  /** A node refused a response. Called while its request is handled: must be quick and must not throw. */
  readonly onNack?: (event: NackEvent) => void;
  /** Reads what a refusal means: the proxy's texts are none of this room's business. Default: every refusal is final. */
  readonly readRefusal?: RefusalReader;
  /** A defect of ours ended a stream. Default: printed to stderr. */
  readonly onError?: (error: unknown) => void;
  /** Types whose first, empty subscription is a wildcard. Default: listeners, clusters, scoped routes. */
  readonly legacyWildcard?: (typeUrl: string) => boolean;
  readonly clock?: Clock;
  /** Default: gRPC. */
  readonly transport?: Transport;
}

/** What lives as long as one server. */
interface Room {
  readonly context: Context;
  readonly groups: Map<string, Group>;
  /** The open streams, each as what ends it. */
  readonly streams: Set<(status: EndStatus) => void>;
  readonly places: Places;
  readonly onError: (error: unknown) => void;
  closing: boolean;
}

/** Makes a server; it serves after `listen`. */
export function createXdsServer(options: XdsServerOptions): XdsServer {
  const onError = options.onError ?? console.error;
  const context: Context = {
    clock: options.clock ?? systemClock,
    metrics: createMetrics(),
    payloads: createPayloadCache(options.identifier),
    onNack: options.onNack ?? (() => {}),
    readRefusal: options.readRefusal ?? (() => "final"),
    legacyWildcard: options.legacyWildcard ?? ((typeUrl) => LEGACY_WILDCARD_TYPES.has(typeUrl)),
    memory: createPool(CLIENT_BYTES),
    onDefect(stream, error) {
      onError(error);
      if (stream.ended) return;
      context.metrics.refusedStreams += 1;
      countEnd(context.metrics, "defect");
      endStream(stream, statusOf(error));
    },
  };
  const places = createPlaces(context.memory, createPool(RESPONSE_BYTES));
  const room: Room = { context, groups: new Map(), streams: new Set(), places, onError, closing: false };
  const refused = (reason: EndReason): void => countEnd(context.metrics, reason);
  const transport = options.transport ?? createGrpcTransport({ refused, onError });
  const wake = createFanOut(context.clock);
  return {
    setView(name, view, revision) {
      const group = room.groups.get(name) ?? newGroup(name, revision);
      room.groups.set(name, group);
      replaceView(group, view, context.clock.monotonic());
      group.revision = revision;
      wake(group.streams);
    },
    deleteGroup(name) {
      const group = room.groups.get(name);
      room.groups.delete(name);
      for (const stream of [...(group?.streams ?? [])]) {
        context.metrics.refusedStreams += 1;
        countEnd(context.metrics, "fleet");
        endStream(stream, unknownGroup(name));
      }
    },
    nodes: (name) => {
      const group = name === undefined ? undefined : room.groups.get(name);
      return nodeStatuses(name === undefined ? room.groups.values() : group === undefined ? [] : [group]);
    },
    metrics() {
      context.metrics.clientBytes = context.memory.used;
      return context.metrics;
    },
    listen: (address) => transport.listen(address, (method, connection) => accept(room, method, connection)),
    async close() {
      room.closing = true;
      // The port first: a client whose stream ends must not find it open and come back.
      const closed = transport.close();
      for (const end of room.streams) end(GOING_DOWN);
      await closed;
    },
  };
}

function newGroup(name: string, revision: number): Group {
  const history = new Map(Array.from(REMEMBERED_TYPES, (typeUrl) => [typeUrl, createHistory()]));
  return { name, revision, types: new Map(), history, recent: [], interrupted: new Map(), streams: new Set() };
}

function replaceView(group: Group, view: XdsView, now: number): void {
  for (const typeUrl of new Set([...group.types.keys(), ...view.keys()])) {
    const previous = group.types.get(typeUrl) ?? EMPTY_VIEW;
    const next = nextView(previous, view.get(typeUrl) ?? NO_RESOURCES);
    group.types.set(typeUrl, next);
    if (next === previous) continue;
    group.history.get(typeUrl)?.note(next.version, next.resources);
    if (typeUrl !== CLUSTER || previous === EMPTY_VIEW) continue;
    const { changed } = diffFrom(next, previous.resources);
    noteRecent(
      group,
      changed.filter((name) => !previous.resources.has(name)),
      now,
    );
  }
}

/** Pumps many streams in slices, so that requests and pings are served in between. Starts in the same turn of the event loop. */
function createFanOut(clock: Clock): (streams: Iterable<Stream>) => void {
  const waiting = new Set<Stream>();
  let running = false;
  function drain(): void {
    const until = clock.monotonic() + SLICE_MS;
    for (const stream of waiting) {
      waiting.delete(stream);
      pump(stream);
      if (clock.monotonic() < until) continue;
      setImmediate(drain);
      return;
    }
    running = false;
  }
  return (streams) => {
    for (const stream of streams) waiting.add(stream);
    if (running || waiting.size === 0) return;
    running = true;
    queueMicrotask(drain);
  };
}

const GOING_DOWN: EndStatus = { code: STATUS.UNAVAILABLE, message: "the server is shutting down" };

function unknownGroup(name: string): EndStatus {
  const shown = JSON.stringify(name);
  const message = `there is no fleet ${shown} (the node's cluster names its fleet); the node keeps its configuration`;
  return { code: STATUS.NOT_FOUND, message };
}

function endStream(stream: Stream, status?: EndStatus): void {
  if (stream.ended) return;
  stream.ended = true;
  stream.cancelWake();
  noteInterrupted(stream);
  stream.group.streams.delete(stream);
  stream.connection.end(status);
}

/** Serves one stream from its opening on. */
function accept(room: Room, method: DiscoveryMethod, connection: Connection): ConnectionHandler {
  const { metrics, clock } = room.context;
  let stream: Stream | null = null;
  let ended = false;
  let arriving = 0;
  let left: readonly Request[] = [];

  function end(status?: EndStatus, reason?: EndReason): void {
    if (ended) return;
    ended = true;
    cancelDeadline();
    if (status !== undefined) metrics.refusedStreams += 1;
    if (reason !== undefined) countEnd(metrics, reason);
    if (stream === null) connection.end(status);
    else endStream(stream, status);
  }
  function fail(error: unknown): void {
    if (!(error instanceof BadRequest || error instanceof OverLimit)) room.onError(error);
    end(statusOf(error), reasonOf(error));
  }
  const silent = `no request came in ${FIRST_REQUEST_MS / 1000} seconds`;
  const late: EndStatus = { code: STATUS.INVALID_ARGUMENT, message: silent };
  const cancelDeadline = clock.after(FIRST_REQUEST_MS, () => end(late, "silent"));
  const endClosing = (status: EndStatus): void => end(status, "closing");
  room.streams.add(endClosing);
  metrics.openStreams += 1;
  metrics.streams += 1;
  const place = room.places.take(connection.peer);
  const arrivals = createArrivals(method.delta, (cluster) => room.groups.has(cluster));
  if (place instanceof OverLimit) fail(place);
  else if (room.closing) endClosing(GOING_DOWN);
  return {
    onArrival(length, start) {
      if (ended || stream?.ended || place instanceof OverLimit) return false;
      try {
        arrivals.judge(length, start);
        place.purse.take(length);
        arriving += length;
        return true;
      } catch (error) {
        fail(error);
        return false;
      }
    },
    onMessage(message) {
      if (ended || stream?.ended || place instanceof OverLimit) return false;
      metrics.requests += 1;
      try {
        const [request, ...more] = decodeRequest(message, method.delta, stream?.subs.values() ?? []);
        if (stream === null) {
          stream = admit(room, request!, { method, connection, place, end });
          place.settle();
          cancelDeadline();
        }
        if (stream !== null) handleRequest(stream, request!);
        left = more;
      } catch (error) {
        fail(error);
      }
      const paid = Math.min(arriving, message.length);
      arriving -= paid;
      place.purse.give(paid);
      return left.length > 0;
    },
    proceed() {
      const [request, ...more] = left;
      left = ended || stream === null || stream.ended ? [] : more;
      try {
        if (request !== undefined && stream !== null && !ended && !stream.ended) handleRequest(stream, request);
      } catch (error) {
        left = [];
        fail(error);
      }
      return left.length > 0;
    },
    onHalfClose: () => end(),
    onClose() {
      end();
      room.streams.delete(endClosing);
      metrics.openStreams -= 1;
      if (!(place instanceof OverLimit)) place.leave();
    },
  };
}

function statusOf(error: unknown): EndStatus {
  if (error instanceof BadRequest) return { code: STATUS.INVALID_ARGUMENT, message: error.message };
  if (error instanceof OverLimit) return { code: STATUS.RESOURCE_EXHAUSTED, message: error.message };
  return { code: STATUS.INTERNAL, message: "internal error" };
}

function reasonOf(error: unknown): EndReason {
  return error instanceof BadRequest || error instanceof OverLimit ? error.reason : "defect";
}

/** Reads who the node is; null: it was sent away. */
function admit(
  room: Room,
  request: Request,
  opening: {
    method: DiscoveryMethod;
    connection: Connection;
    place: Place;
    end: (status: EndStatus, reason: EndReason) => void;
  },
): Stream | null {
  const { method, connection, place, end } = opening;
  const node: RequestNode | null = request.node;
  if (node === null || node.id === "") throw new BadRequest("the first request of a stream needs a node with an id");
  const group = room.groups.get(node.cluster);
  if (group === undefined) {
    end(unknownGroup(node.cluster), "fleet");
    return null;
  }
  const stream = openStream(room.context, { method, connection, group, node, place });
  group.streams.add(stream);
  return stream;
}
