/** Cuts the bytes of a gRPC stream into messages. Memory is that of the one message that is coming, not of the pieces it comes in. */
import type { Bodies } from "./bodies.ts";
import { PEEK_BYTES } from "./limits.ts";

/** What is done with messages as they come. */
export interface MessageSink {
  /**
   * A message of `length` bytes is coming, and `start` of it is there: all, or at least `PEEK_BYTES`. False: it may not come, and
   * nothing more is read.
   */
  onStart(length: number, start: Buffer): boolean;
  /** It is there. The bytes may be part of what came from the network. */
  onMessage(message: Buffer): void;
  /** A message is compressed; nothing more is read. */
  onCompressed(): void;
}

/** Takes a stream's bytes in order. */
export interface MessageReader {
  push(chunk: Buffer): void;
  /** True while a message has begun and is not complete. */
  readonly partial: boolean;
}

const NOTHING = Buffer.alloc(0);
/** Flag and length before each message. */
export const HEAD_BYTES = 5;

/** True when these bytes are one message and no more. */
export function isWhole(chunk: Buffer): boolean {
  return chunk.length > HEAD_BYTES && chunk[0] === 0 && chunk.readUInt32BE(1) === chunk.length - HEAD_BYTES;
}

/** A reader at the start of a stream. `bodies`: where messages that come in pieces are kept. */
export function createMessageReader(sink: MessageSink, bodies: Bodies): MessageReader {
  // Made when one comes in pieces, which is seldom: most streams are idle, and there may be many.
  let head: Buffer | null = null;
  let headFilled = 0;
  let length = 0;
  let body: Buffer | null = null;
  let filled = 0;
  let started = false;
  let dead = false;

  /** Reads the head; gives how much of the chunk it took. */
  function readHead(chunk: Buffer, at: number): number {
    if (headFilled === 0 && chunk.length - at >= HEAD_BYTES) {
      headFilled = HEAD_BYTES;
      judgeHead(chunk[at]!, chunk.readUInt32BE(at + 1));
      return HEAD_BYTES;
    }
    head ??= Buffer.alloc(HEAD_BYTES);
    const taken = chunk.copy(head, headFilled, at, at + HEAD_BYTES - headFilled);
    headFilled += taken;
    if (headFilled === HEAD_BYTES) judgeHead(head[0]!, head.readUInt32BE(1));
    return taken;
  }

  function judgeHead(flag: number, bytes: number): void {
    length = bytes;
    if (flag === 0) return;
    dead = true;
    sink.onCompressed();
  }

  function readBody(chunk: Buffer, at: number): number {
    const there = Math.min(length - filled, chunk.length - at);
    if (body === null && there === length) {
      finish(chunk.subarray(at, at + there));
      return there;
    }
    const before = filled;
    // Until the start was judged, no more is kept than that takes; then there is a place for all of it, which was paid for.
    const taken = started ? there : Math.min(there, PEEK_BYTES - filled);
    body = roomFor(body, { filled, size: started ? length : Math.min(length, PEEK_BYTES), bodies });
    chunk.copy(body, before, at, at + taken);
    filled += taken;
    if (filled === length) finish(body);
    else if (!started && filled >= PEEK_BYTES) start(body.subarray(0, filled));
    return taken;
  }

  function start(bytes: Buffer): void {
    started = true;
    dead = !sink.onStart(length, bytes);
  }

  function finish(message: Buffer): void {
    if (!started) start(message);
    body = null;
    filled = 0;
    headFilled = 0;
    started = false;
    if (!dead) sink.onMessage(message);
  }

  return {
    get partial() {
      return headFilled > 0 && !dead;
    },
    push(chunk) {
      for (let at = 0; at < chunk.length && !dead; ) {
        if (headFilled < HEAD_BYTES) at += readHead(chunk, at);
        else at += readBody(chunk, at);
        if (headFilled === HEAD_BYTES && length === 0 && !dead) finish(NOTHING);
      }
      if (dead) body = null;
    },
  };
}

function roomFor(body: Buffer | null, want: { filled: number; size: number; bodies: Bodies }): Buffer {
  if (body?.length === want.size) return body;
  const next = want.bodies.take(want.size);
  body?.copy(next, 0, 0, want.filled);
  if (body !== null) want.bodies.give(body);
  return next;
}
