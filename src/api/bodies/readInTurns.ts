/** How much of all bodies is taken in one turn of the event loop: what comes beyond that waits in its socket for the next. */
import type { Readable } from "node:stream";
import { BYTES_PER_CHUNK, BYTES_PER_TURN } from "../limits.ts";

/** Told of each piece that came; pauses its stream when enough came in this turn. */
export function createReadInTurns(): (stream: Readable, bytes: number) => void {
  const paused = new Set<Readable>();
  let taken = 0;
  const nextTurn = (): void => {
    taken = 0;
    const resumed = [...paused];
    paused.clear();
    for (const stream of resumed) stream.resume();
  };
  return (stream, bytes) => {
    if (taken === 0) setImmediate(nextTurn);
    taken += bytes + BYTES_PER_CHUNK;
    if (taken < BYTES_PER_TURN) return;
    stream.pause();
    paused.add(stream);
  };
}
