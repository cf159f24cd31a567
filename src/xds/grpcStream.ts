/**
 * One gRPC stream on node:http2. Requests are read one at a time: while one waits, flow control holds the client back. Responses
 * are written as they are, behind a head of five bytes, so that streams share one buffer.
 */
import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { Bodies } from "./bodies.ts";
import type { Framer } from "./framer.ts";
import { createMessageReader, HEAD_BYTES, isWhole, type MessageSink } from "./frames.ts";
import { CLOSE_GRACE_MS, LIGHT_REQUEST_BYTES, REQUEST_MS, WRITE_MS } from "./limits.ts";
import type { EndReason } from "./reasons.ts";
import type { RequestQueue, Waiting } from "./requestQueue.ts";
import type { Link } from "./sessions.ts";
import { type Clock, type Connection, type ConnectionHandler, type EndStatus, STATUS } from "./transport.ts";

/** What a stream is served with. */
export interface StreamOpening {
  readonly link: Link;
  readonly accept: (connection: Connection) => ConnectionHandler;
  readonly queue: RequestQueue;
  readonly clock: Clock;
  readonly frame: Framer;
  readonly bodies: Bodies;
  /** Counts what the transport itself refuses. */
  readonly refused: (reason: EndReason) => void;
}

const HEADERS: OutgoingHttpHeaders = {
  ":status": 200,
  "content-type": "application/grpc+proto",
  "grpc-accept-encoding": "identity",
};

/** A client whose requests wait is held back from here on: an ACK or two may wait without, which costs less. */
const HELD_BYTES = 1024;
/** What a message is counted as beside its length. */
const MESSAGE_BYTES = 64;

/** Serves a stream from its headers on. */
export function serveGrpcStream(stream: ServerHttp2Stream, opening: StreamOpening): void {
  const { clock, link, queue, refused } = opening;
  const inbox = createInbox();
  const sender = createSender(stream, opening);
  const handler = opening.accept({ peer: link.peer, write: sender.write, end: sender.end });
  const serving = createServing(handler, opening.bodies);
  let waiting = false;
  let held = false;
  /** A request was complete in the last bytes that came. */
  let whole = false;
  /** The last request is not done with. */
  let more = false;
  let halfClosed = false;
  let closed = false;

  const isOver = (): boolean => sender.ended() || link.isCut();
  const refuse = (reason: EndReason, status: EndStatus): void => {
    if (sender.ended()) return;
    refused(reason);
    sender.end(status);
  };
  const sink: MessageSink = {
    onStart: (length, start) => !sender.ended() && handler.onArrival(length, start),
    onMessage(message) {
      whole = true;
      inbox.add(message);
    },
    onCompressed: () => refuse("compressed", COMPRESSED),
  };
  const reader = createMessageReader(sink, opening.bodies);
  const deadline = createDeadline(clock, () => refuse("slow", LATE));

  /** Lets flow control hold the client back, or not any more. */
  function hold(on: boolean): void {
    if (held === on) return;
    held = on;
    link.held(on);
    if (on) stream.pause();
    else if (!stream.destroyed) stream.resume();
  }

  const turn: Waiting = {
    size: () => (more ? Number.POSITIVE_INFINITY : handler.isCostly ? LIGHT_REQUEST_BYTES + 1 : inbox.next()),
    serve() {
      if (closed) return leave();
      if (more) more = !isOver() && serving.proceed();
      else if (inbox.bytes() > 0 && !isOver()) more = serving.begin(inbox.take());
      if (!isOver() && (more || inbox.bytes() > 0)) return true;
      more = false;
      inbox.clear();
      waiting = false;
      hold(false);
      if (halfClosed && !sender.ended()) handler.onHalfClose();
      return false;
    },
  };
  function leave(): false {
    waiting = false;
    deadline.stop();
    hold(false);
    sender.close();
    handler.onClose();
    return false;
  }

  function lineUp(): void {
    if (waiting) return;
    waiting = true;
    queue.add(turn);
  }
  stream.on("data", (chunk: Buffer) => {
    link.received(chunk.length);
    if (isOver()) return;
    if (!waiting && !reader.partial && isWhole(chunk) && handler.onEcho(chunk, HEAD_BYTES)) return;
    whole = false;
    reader.push(chunk);
    deadline.note({ whole, partial: reader.partial });
    if (inbox.bytes() > HELD_BYTES) hold(true);
    if (inbox.bytes() > 0) lineUp();
  });
  // Thousands may end or close in one moment: that waits in the queue, too.
  stream.on("end", () => {
    halfClosed = true;
    lineUp();
  });
  stream.on("close", () => {
    closed = true;
    inbox.clear();
    lineUp();
  });
}

/** Requests are served one at a time; the memory of one is given back when it is done with. */
function createServing(handler: ConnectionHandler, bodies: Bodies) {
  let message: Buffer | null = null;
  function settle(more: boolean): boolean {
    if (more || message === null) return more;
    bodies.give(message);
    message = null;
    return more;
  }
  return {
    /** True: there is more to do for it. */
    begin(next: Buffer): boolean {
      message = next;
      return settle(handler.onMessage(next));
    },
    proceed: (): boolean => settle(handler.proceed()),
  };
}

/** Requests that came and were not served yet. */
function createInbox() {
  const messages: Buffer[] = [];
  let bytes = 0;
  return {
    /** All of them: their bytes, and something for each, because empty ones are possible. */
    bytes: (): number => bytes,
    /** Bytes of the next one; 0: there is none. */
    next: (): number => messages[0]?.length ?? 0,
    add(message: Buffer): void {
      bytes += message.length + MESSAGE_BYTES;
      messages.push(message);
    },
    take(): Buffer {
      const message = messages.shift()!;
      bytes -= message.length + MESSAGE_BYTES;
      return message;
    },
    clear(): void {
      bytes = 0;
      messages.length = 0;
    },
  };
}

const COMPRESSED: EndStatus = { code: STATUS.UNIMPLEMENTED, message: "requests must not be compressed" };

const LATE: EndStatus = {
  code: STATUS.DEADLINE_EXCEEDED,
  message: `a request did not come whole in ${REQUEST_MS / 1000} seconds`,
};

/** The time that a request may take that comes in pieces; it begins again with each request. */
function createDeadline(clock: Clock, onLate: () => void) {
  let stop: (() => void) | null = null;
  return {
    /** After bytes came. `whole`: with them a request was complete; `partial`: one has begun and is not. */
    note({ whole, partial }: { whole: boolean; partial: boolean }): void {
      if (stop !== null && (whole || !partial)) {
        stop();
        stop = null;
      }
      if (partial) stop ??= clock.after(REQUEST_MS, onLate);
    },
    stop: () => stop?.(),
  };
}

/** The answering side of a stream. */
interface Sender extends Pick<Connection, "write" | "end"> {
  ended(): boolean;
  /** The stream is gone. */
  close(): void;
}

/** Tells when a write has lasted too long. The timer is made once and moved on, because most writes take no time. */
function createStall(clock: Clock, onStalled: () => void) {
  let since: number | null = null;
  let stop: (() => void) | null = null;
  function look(): void {
    stop = null;
    if (since === null) return;
    const left = since + WRITE_MS - clock.monotonic();
    if (left > 0) stop = clock.after(Math.ceil(left), look);
    else onStalled();
  }
  return {
    begin(): void {
      since = clock.monotonic();
      stop ??= clock.after(WRITE_MS, look);
    },
    done(): void {
      since = null;
    },
    stop: () => stop?.(),
  };
}

function createSender(stream: ServerHttp2Stream, { clock, frame, link, refused }: StreamOpening): Sender {
  let ended = false;
  let cancelEnd = (): void => {};
  const stall = createStall(clock, () => {
    if (ended) return;
    refused("stalled");
    end({ code: STATUS.UNAVAILABLE, message: `a response was not taken in ${WRITE_MS / 1000} seconds` });
  });

  /** The client may still be sending, and need not be: the reset tells it. Not before what was written went out. */
  function reset(): void {
    setImmediate(() => {
      if (!stream.destroyed) stream.close(constants.NGHTTP2_NO_ERROR);
    });
  }

  function end(status: EndStatus = { code: 0, message: "" }): void {
    if (ended) return;
    ended = true;
    if (status.code !== 0) link.failed();
    if (status.reconnect === true) stream.session?.close();
    if (stream.destroyed || stream.closed) return;
    const trailers = { "grpc-status": status.code, "grpc-message": encodeURI(status.message.toWellFormed()) };
    // Who does not read is not waited for.
    cancelEnd = clock.after(CLOSE_GRACE_MS, () => stream.close(constants.NGHTTP2_CANCEL));
    stream.resume();
    if (!stream.headersSent) {
      stream.respond({ ...HEADERS, ...trailers }, { endStream: true });
      reset();
      return;
    }
    stream.once("wantTrailers", () => {
      if (!stream.destroyed && !stream.closed) stream.sendTrailers(trailers);
      reset();
    });
    stream.end();
  }

  return {
    ended: () => ended,
    end,
    write(messages, done) {
      if (ended || stream.destroyed || stream.closed) return;
      if (!stream.headersSent) {
        stream.respond(HEADERS, { waitForTrailers: true });
        link.served();
      }
      stall.begin();
      const taken = (error: Error | null | undefined): void => {
        stall.done();
        if (!error && !ended) done();
      };
      const parts = frame(messages);
      if (parts.length > 1) stream.cork();
      for (const part of parts.slice(0, -1)) stream.write(part);
      stream.write(parts.at(-1), taken);
      if (parts.length > 1) stream.uncork();
    },
    close() {
      ended = true;
      cancelEnd();
      stall.stop();
    },
  };
}
