/**
 * What was read of the last requests: nodes that were sent the same response answer it with the same bytes, which are then compared and
 * not read again.
 */
import type { Steps } from "../util/steps.ts";
import { ECHOES, LIGHT_REQUEST_BYTES } from "./limits.ts";

/** The last requests of one kind. */
export interface Echoes<Read> {
  /** What these bytes say: as it was read before, or else now by `decode`. Nobody may change it. */
  readSteps(message: Buffer, decode: (message: Buffer) => Steps<Read>): Steps<Read>;
}

/** Nothing was read yet. `mayRecur`: whether others can say the same in the same bytes. */
export function createEchoes<Read>(mayRecur: (read: Read) => boolean): Echoes<Read> {
  const known: { readonly message: Buffer; readonly read: Read }[] = [];
  let oldest = 0;
  return {
    *readSteps(message, decode) {
      for (const echo of known) if (echo.message.equals(message)) return echo.read;
      const read = yield* decode(message);
      if (message.length > LIGHT_REQUEST_BYTES || !mayRecur(read)) return read;
      // What was read has parts of the message, whose memory is used again.
      const kept = Buffer.from(message);
      known[oldest] = { message: kept, read: yield* decode(kept) };
      oldest = (oldest + 1) % ECHOES;
      return read;
    },
  };
}
