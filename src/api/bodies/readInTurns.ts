/** How much of all bodies is taken in one turn of the event loop: what comes beyond that waits in its socket for a later one. */
import type { Readable } from "node:stream";
import { BYTES_PER_TURN, RESUMED_PER_TURN, TINY_PIECE_BYTES } from "../limits.ts";

/** Told of each piece that came; pauses its stream when enough came in this turn. */
export function createReadInTurns(): (stream: Readable, bytes: number) => void {
  /** In the order of being paused. */
  const paused = new Set<Readable>();
  let taken = 0;
  const nextTurn = (): void => {
    taken = 0;
    let resumed = 0;
    for (const stream of paused) {
      if (resumed++ === RESUMED_PER_TURN) break;
      paused.delete(stream);
      stream.resume();
    }
    if (paused.size > 0) setImmediate(nextTurn);
  };
  return (stream, bytes) => {
    // A stream of tiny pieces is stopped by their count (chunks.ts): until then it would only pile them up.
    if (bytes < TINY_PIECE_BYTES) return;
    if (taken === 0 && paused.size === 0) setImmediate(nextTurn);
    taken += bytes;
    if (taken < BYTES_PER_TURN) return;
    stream.pause();
    paused.add(stream);
  };
}
