/** Bodies on their way in: each in one piece of memory, all of them together within a bound. */
import type { IncomingMessage } from "node:http";
import { busy } from "../errorHandler.ts";
import { INLINE_BODY_BYTES, MIN_UPLOAD_RATE, RATE_WINDOW_MS, RECEIVED_BYTES } from "../limits.ts";
import { Problem } from "../problem.ts";
import { createChunkCount } from "./chunks.ts";
import { createReadInTurns } from "./readInTurns.ts";

/** A body that was received. `free` must be called when its bytes are not needed any more. */
export interface Received {
  readonly bytes: Buffer;
  readonly free: () => void;
}

/** A body that is being received, or waits to be checked. */
interface Upload {
  size: number;
  /** Where the present window of its rate began, and the rate in the one before, in bytes a millisecond. */
  since: { at: number; size: number };
  rate: number;
  /** Null: it is complete. */
  cut: (() => void) | null;
}

/** The whole body, of at most `maximum` bytes; throws a Problem (`detail` when it has more). */
export type Receive = (
  request: IncomingMessage,
  bound: { readonly maximum: number; readonly detail: string },
) => Promise<Received>;

/** Small bodies are not counted: connections are few. */
export function createReceive(now: () => number = () => performance.now()): Receive {
  const uploads = new Set<Upload>();
  const took = createReadInTurns();
  let held = 0;
  /** Makes room for more by cutting off who could not be done in time anyway; false: nobody is that slow. */
  const makeRoom = (bytes: number): boolean => {
    if (held + bytes <= RECEIVED_BYTES) return true;
    for (const upload of uploads) {
      if (upload.cut !== null && rateOf(upload, now()) < MIN_UPLOAD_RATE) upload.cut();
      if (held + bytes <= RECEIVED_BYTES) return true;
    }
    return false;
  };
  return (request, { maximum, detail }) => {
    const tooLarge = (): Problem => new Problem("API-TOO-LARGE", detail);
    if (Number(request.headers["content-length"] ?? 0) > maximum) return Promise.reject(tooLarge());
    const { promise, resolve, reject } = Promise.withResolvers<Received>();
    const upload: Upload = { size: 0, since: { at: now(), size: 0 }, rate: Number.POSITIVE_INFINITY, cut: null };
    let room = Buffer.allocUnsafeSlow(FIRST_BYTES);
    let counted = 0;
    const free = (): void => {
      held -= counted;
      counted = 0;
      uploads.delete(upload);
    };
    const fail = (problem: Error): void => {
      request.off("data", onData);
      free();
      reject(problem);
    };
    const grow = (needed: number): boolean => {
      const size = Math.min(maximum, Math.max(needed, room.length * 2));
      const more = size - counted;
      if (size > INLINE_BODY_BYTES && !makeRoom(more)) return false;
      if (size > INLINE_BODY_BYTES) {
        held += more;
        counted = size;
      }
      const larger = Buffer.allocUnsafeSlow(size);
      room.copy(larger, 0, 0, upload.size);
      room = larger;
      return true;
    };
    const isTooSmall = createChunkCount();
    const onData = (chunk: Buffer): void => {
      took(request, chunk.length);
      if (isTooSmall(chunk)) {
        fail(new Problem("API-BAD-REQUEST", "the body comes in too many small chunks"));
        // What is on its way would cost as much again.
        request.socket.destroy();
        return;
      }
      const size = upload.size + chunk.length;
      if (size > maximum) fail(tooLarge());
      else if (size > room.length && !grow(size)) fail(busy("other large bodies are being received"));
      else {
        chunk.copy(room, upload.size);
        upload.size = size;
        rateOf(upload, now());
      }
    };
    upload.cut = () => {
      fail(busy("other large bodies are being received"));
    };
    uploads.add(upload);
    request.on("data", onData);
    request.once("end", () => {
      upload.cut = null;
      resolve({ bytes: room.subarray(0, upload.size), free });
    });
    request.once("error", fail);
    request.once("close", () => fail(new Problem("API-BAD-REQUEST", "the body is not complete")));
    return promise;
  };
}

/** Most bodies are shorter. */
const FIRST_BYTES = 4096;

/** Of the last window that is over; begins a new one when the present one is. */
function rateOf(upload: Upload, now: number): number {
  const elapsed = now - upload.since.at;
  if (elapsed < RATE_WINDOW_MS) return upload.rate;
  upload.rate = (upload.size - upload.since.size) / elapsed;
  upload.since = { at: now, size: upload.size };
  return upload.rate;
}
