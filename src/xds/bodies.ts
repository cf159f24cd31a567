/**
 * Memory for requests that come in pieces, used again for the next ones. It lies outside of V8's heap, which is marked anew whenever a
 * few megabytes more were asked for there, and thousands of nodes that come back say tens of kilobytes each about what they have.
 */
import { FREE_BODY_BYTES, MAX_SHARED_BODY_BYTES, PEEK_BYTES } from "./limits.ts";

/** What one server has of it. */
export interface Bodies {
  /** A buffer of this size; what is in it is left from before. */
  take(size: number): Buffer;
  /** Nobody looks at it or at a part of it any more. What did not come from `take`, or was given before, is left alone. */
  give(body: Buffer): void;
}

/** Nothing is kept yet. */
export function createBodies(): Bodies {
  /** What came from the network is not ours to use again: others have parts of it. */
  const own = new WeakSet<ArrayBufferLike>();
  const free = new Map<number, ArrayBufferLike[]>();
  let kept = 0;
  return {
    take(size) {
      if (size < PEEK_BYTES || size > MAX_SHARED_BODY_BYTES) return Buffer.allocUnsafeSlow(size);
      const room = roomOf(size);
      const known = free.get(room)?.pop();
      if (known !== undefined) kept -= room;
      const memory = known ?? Buffer.allocUnsafeSlow(room).buffer;
      own.add(memory);
      return Buffer.from(memory, 0, size);
    },
    give({ buffer }) {
      const room = buffer.byteLength;
      if (!own.delete(buffer) || kept + room > FREE_BODY_BYTES) return;
      kept += room;
      const others = free.get(room);
      if (others === undefined) free.set(room, [buffer]);
      else others.push(buffer);
    },
  };
}

/** What is asked for in place of a size, so that others fit in: at most a quarter more. */
function roomOf(size: number): number {
  const step = 2 ** (Math.floor(Math.log2(size)) - 2);
  return Math.ceil(size / step) * step;
}
