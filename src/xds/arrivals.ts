/** Whether a request may come at all: judged by its length and its first bytes, before it is kept. */
import { peekNode } from "./decode.ts";
import { FIRST_REQUEST_BYTES, MAX_REQUEST_BYTES } from "./limits.ts";
import { OverLimit } from "./reasons.ts";

/** A request that begins to come. */
export interface Arrival {
  readonly length: number;
  /** Its first bytes. */
  readonly start: Buffer;
  readonly delta: boolean;
  /** Whether a node of this cluster would be let in; null: the stream's node was. */
  readonly isKnown: ((cluster: string) => boolean) | null;
}

/** Throws OverLimit when it may not come. */
export function judgeArrival(arrival: Arrival): void {
  const { length, start, delta, isKnown } = arrival;
  if (length > MAX_REQUEST_BYTES) throw tooLong(length, `may be ${MAX_REQUEST_BYTES}`);
  if (isKnown === null || length <= FIRST_REQUEST_BYTES) return;
  const node = peekNode(start, delta);
  if (node !== null && isKnown(node.cluster)) return;
  throw tooLong(length, `may be ${FIRST_REQUEST_BYTES} unless it begins with a node of a known fleet`);
}

function tooLong(length: number, bound: string): OverLimit {
  return new OverLimit("size", `a request of ${length} bytes: it ${bound}`);
}
