/** Bodies that come in tiny chunks: each chunk costs an event, so that six bytes a chunk on the wire would be the dearest body of all. */
import { MIN_CHUNK_BYTES, UNCOUNTED_CHUNKS } from "../limits.ts";

/** Counts the pieces of one body. Says whether there are too many of them for its size. */
export function createChunkCount(): (piece: Buffer) => boolean {
  let pieces = 0;
  let bytes = 0;
  return ({ length }) => {
    pieces++;
    bytes += length;
    return pieces > UNCOUNTED_CHUNKS && bytes < pieces * MIN_CHUNK_BYTES;
  };
}
