/** The place that an open stream takes. */
import { openPurse, type Pool, type Purse, peerOf } from "./budgets.ts";
import { MAX_STREAMS } from "./limits.ts";
import { OverLimit } from "./reasons.ts";
import type { Peer } from "./transport.ts";

/** Held until the stream is closed. */
export interface Place {
  readonly purse: Purse;
  leave(): void;
}

/** A stream's place, and what it pays with; an error when there is none. */
export function takePlace(places: Pool, memory: Pool, client: Peer): Place | OverLimit {
  const peer = peerOf(client.address);
  if (!places.take(peer, 1)) {
    return new OverLimit(
      "places",
      `this server serves ${MAX_STREAMS} streams, for one address at most what is left free`,
    );
  }
  try {
    const purse = openPurse(memory, peer);
    return {
      purse,
      leave() {
        purse.close();
        places.give(peer, 1);
      },
    };
  } catch (error) {
    places.give(peer, 1);
    if (error instanceof OverLimit) return error;
    throw error;
  }
}
