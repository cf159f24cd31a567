/** One stream from its opening on: whether it is let in, what its requests do, and how it ends. */
import { finish, type Steps } from "../util/steps.ts";
import { isNew, takeAnswer, takeEcho } from "./acceptances.ts";
import { createArrivals } from "./arrivals.ts";
import { answerStatusSteps, createStatusCall, type Encoded, StatusRefused } from "./csds.ts";
import { BadRequest, type RequestNode } from "./decode.ts";
import { ECHO_BYTES, FIRST_REQUEST_MS, RESPONSE_BYTES, STATUS_RESERVE_BYTES } from "./limits.ts";
import { countEnd } from "./metrics.ts";
import type { Place } from "./places.ts";
import { type EndReason, OverLimit } from "./reasons.ts";
import { createRequestWork } from "./requestWork.ts";
import type { DiscoveryMethod } from "./resourceTypes.ts";
import { addGroup, endStream, GOING_DOWN, type Room, turnAway, unknownGroup } from "./room.ts";
import type { Group, Stream } from "./state.ts";
import { decodeSteps, handleSteps, openStream, type Request } from "./stream.ts";
import { streamEvent } from "./streamEvents.ts";
import { type Connection, type ConnectionHandler, type EndStatus, type Peer, STATUS } from "./transport.ts";

const SILENT: EndStatus = {
  code: STATUS.INVALID_ARGUMENT,
  message: `no request came in ${FIRST_REQUEST_MS / 1000} seconds`,
};

/** Answers about the state of clients are made when they are asked for, however many were not read. */
const UNREAD = new OverLimit(
  "memory",
  `${RESPONSE_BYTES} bytes of answers wait to be read, for one address at most what is left free`,
);

/** Serves one stream from its opening on. */
export function accept(room: Room, method: DiscoveryMethod, connection: Connection): ConnectionHandler {
  let stream: Stream | null = null;
  let ended = false;
  const status = method.status === undefined ? null : createStatusCall(method.status, connection, () => end());
  let arriving = 0;

  function end(status?: EndStatus, reason?: EndReason): void {
    if (ended) return;
    ended = true;
    cancelDeadline();
    if (status !== undefined) room.context.metrics.refusedStreams += 1;
    if (reason !== undefined) countEnd(room.context.metrics, reason);
    if (stream === null) connection.end(status);
    else endStream(stream, status);
    if (stream === null) return;
    forgetUndeclared(room, stream.group);
    room.context.onStream(streamEvent(stream, "disconnected", reason));
  }
  function fail(error: unknown): void {
    if (reasonOf(error) === "defect") room.onError(error);
    end(statusOf(error), reasonOf(error));
  }
  function* serveSteps(message: Buffer, place: Place): Steps<void> {
    if (status !== null) {
      cancelDeadline();
      place.settle();
      if (!place.outbox.hasRoom(STATUS_RESERVE_BYTES)) throw UNREAD;
      const answer = yield* clientStatusSteps(room, message, connection.peer);
      // Others may have been made meanwhile.
      if (!place.outbox.hasRoom(STATUS_RESERVE_BYTES)) throw UNREAD;
      status.ask(answer, place.outbox);
      return;
    }
    if (stream !== null && takeEcho(stream, message, 0)) return;
    const request = yield* decodeSteps(room.context, message, { delta: method.delta, stream });
    if (stream !== null && takeAnswer(stream, request, message)) return;
    if (stream === null) {
      stream = admit(room, request, { method, connection, place, end });
      place.settle();
      cancelDeadline();
    }
    if (stream !== null) yield* handleSteps(stream, request);
  }
  const isOver = (): boolean => ended || stream?.ended === true;
  const work = createRequestWork(room.context.clock, { isOver, fail });
  const cancelDeadline = room.context.clock.after(FIRST_REQUEST_MS, () => end(SILENT, "silent"));
  const endClosing = (status: EndStatus): void => end(status, "closing");
  noteOpen(room, endClosing);
  const place = room.places.take(connection.peer.address);
  const arrivals = createArrivals(method.delta, (cluster) => isKnown(room, cluster, connection.peer));
  if (place instanceof OverLimit) fail(place);
  else if (room.closing) endClosing(GOING_DOWN);
  return {
    onArrival(length, start) {
      if (isOver() || place instanceof OverLimit) return false;
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
    onEcho: (bytes, from) => stream !== null && !isOver() && isEcho(stream, bytes, from),
    onMessage(message) {
      if (isOver() || place instanceof OverLimit) return false;
      room.context.metrics.requests += 1;
      const bytes = Math.min(arriving, message.length);
      arriving -= bytes;
      return work.begin({ steps: serveSteps(message, place), onDone: () => place.purse.give(bytes) });
    },
    proceed: work.proceed,
    isCostly: status !== null,
    onHalfClose: () => (status === null ? end() : status.finish()),
    onClose() {
      end();
      noteClosed(room, endClosing);
      if (!(place instanceof OverLimit)) place.leave();
    },
  };
}

/** Takes an answer that others have given, too; false: it is another request, to be served in its turn. */
function isEcho(stream: Stream, bytes: Buffer, from: number): boolean {
  if (!takeEcho(stream, bytes, from) && !readEcho(stream, bytes, from)) return false;
  stream.context.metrics.requests += 1;
  return true;
}

/** Reads the first answer of its kind at once. */
function readEcho(stream: Stream, bytes: Buffer, from: number): boolean {
  if (bytes.length > ECHO_BYTES || !isNew(stream)) return false;
  const message = bytes.subarray(from);
  const { context, method } = stream;
  try {
    return takeAnswer(stream, finish(decodeSteps(context, message, { delta: method.delta, stream })), message);
  } catch {
    // It is read again, and what is wrong with it told.
    return false;
  }
}

/** A group that is there for its nodes alone goes with the last of them; another of that name may have come since. */
function forgetUndeclared({ groups }: Room, group: Group): void {
  if (!group.declared && group.streams.size === 0 && groups.get(group.name) === group) groups.delete(group.name);
}

type End = (status: EndStatus) => void;

function noteOpen({ streams, context }: Room, end: End): void {
  streams.add(end);
  context.metrics.openStreams += 1;
  context.metrics.streams += 1;
}

function noteClosed({ streams, context }: Room, end: End): void {
  streams.delete(end);
  context.metrics.openStreams -= 1;
}

/** The status that a stream ends with. */
export function statusOf(error: unknown): EndStatus {
  if (error instanceof StatusRefused) return { code: error.code, message: error.message };
  if (error instanceof BadRequest) return { code: STATUS.INVALID_ARGUMENT, message: error.message };
  if (error instanceof OverLimit) return { code: STATUS.RESOURCE_EXHAUSTED, message: error.message };
  return { code: STATUS.INTERNAL, message: "internal error" };
}

function reasonOf(error: unknown): EndReason {
  if (error instanceof StatusRefused) return "malformed";
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
  const name = room.groupOf(node);
  const group = room.groups.get(name) ?? (room.serveUnknown ? addGroup(room, name) : undefined);
  if (group === undefined) {
    const status = unknownGroup(name);
    const { address: peer, identities } = connection.peer;
    room.noteRefusal({
      reason: "unknownFleet",
      message: status.message,
      peer,
      identities,
      nodeId: node.id,
      group: name,
    });
    end(status, "fleet");
    return null;
  }
  const denied = room.door.denial({ group: name, nodeId: node.id, peer: connection.peer });
  if (denied !== null) {
    end(denied, "denied");
    return null;
  }
  const stream = openStream(room.context, { method, connection, group, node, place });
  group.streams.add(stream);
  room.context.onStream(streamEvent(stream, "connected"));
  return stream;
}

/** Of the groups that whoever asks may pull. */
function clientStatusSteps(room: Room, message: Buffer, peer: Peer): Steps<Encoded> {
  const mayRead = (group: string): boolean => room.door.mayPull(group, peer);
  return answerStatusSteps(message, { groups: room.groups.values(), mayRead });
}

/** Whether a node of that cluster may be let in: then it may send long requests from the start. */
function isKnown(room: Room, cluster: string, peer: Peer): boolean {
  return room.serveUnknown || (room.groups.has(cluster) && room.door.mayPull(cluster, peer));
}

/** Open streams are judged again at once: nothing goes to a node after the rules have forbidden it. */
export function changeAccess(room: Room, name: string, rules: readonly string[] | null): void {
  if (!room.door.setAccess(name, rules)) return;
  for (const stream of room.groups.get(name)?.streams ?? []) {
    const denied = room.door.denial({ group: name, nodeId: stream.node.id, peer: stream.connection.peer });
    if (denied !== null) turnAway(room.context, [stream], { status: denied, reason: "denied" });
  }
}
