/** Whether a request may come at all: judged by its length and its first bytes, before it is kept. */
import { FIRST_REQUEST_BYTES, MAX_REQUEST_BYTES } from "./limits.ts";
import { peekNode } from "./peek.ts";
import { OverLimit } from "./reasons.ts";

/** Judges one stream's requests in order, each when it begins to come. */
export interface Arrivals {
  /** `start`: its first bytes. Throws OverLimit when it may not come. */
  judge(length: number, start: Buffer): void;
}

/**
 * `isKnown`: whether a node of this cluster would be let in. Only the first request of a stream tells it; those after it may begin to
 * come before that one was served.
 */
export function createArrivals(delta: boolean, isKnown: (cluster: string) => boolean): Arrivals {
  let cluster: string | null | undefined;
  return {
    judge(length, start) {
      if (cluster === undefined) cluster = peekNode(start, delta)?.cluster ?? null;
      if (length > MAX_REQUEST_BYTES) throw tooLong(length, `may be ${MAX_REQUEST_BYTES}`);
      if (length <= FIRST_REQUEST_BYTES || (cluster !== null && isKnown(cluster))) return;
      throw tooLong(length, `may be ${FIRST_REQUEST_BYTES} unless the stream begins with a node of a known fleet`);
    },
  };
}

function tooLong(length: number, bound: string): OverLimit {
  return new OverLimit("size", `a request of ${length} bytes: it ${bound}`);
}
