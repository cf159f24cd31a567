/** The places that open streams take. */
import { createPool, type Outbox, openOutbox, openPurse, type Pool, type Purse, peerOf } from "./budgets.ts";
import { MAX_NEW_STREAMS, MAX_STREAMS } from "./limits.ts";
import { OverLimit } from "./reasons.ts";

/** Held until the stream is closed. */
export interface Place {
  readonly purse: Purse;
  readonly outbox: Outbox;
  /** The stream has made its first request. */
  settle(): void;
  leave(): void;
}

/** The places of one server. */
export interface Places {
  /** `client`: its address and port. An error: there is none. */
  take(client: string): Place | OverLimit;
}

/** All places free. `memory`: what streams pay their names and requests from; `responses`: what they have not taken yet. */
export function createPlaces(memory: Pool, responses: Pool): Places {
  const all = createPool(MAX_STREAMS);
  const fresh = createPool(MAX_NEW_STREAMS);
  // Made once: these are thrown by the thousand, and an error costs more than a stream.
  const full = new OverLimit(
    "places",
    `this server serves ${MAX_STREAMS} streams, for one address at most what is left free`,
  );
  const crowded = new OverLimit(
    "places",
    `this server waits for the first request of ${MAX_NEW_STREAMS} streams, for one address at most what is left free`,
  );

  function open(peer: string): Place {
    const purse = openPurse(memory, peer);
    const outbox = openOutbox(responses, peer);
    let isFresh = true;
    const settle = (): void => {
      if (isFresh) fresh.give(peer, 1);
      isFresh = false;
    };
    return {
      purse,
      outbox,
      settle,
      leave() {
        settle();
        purse.close();
        outbox.close();
        all.give(peer, 1);
      },
    };
  }

  return {
    take(client) {
      const peer = peerOf(client);
      if (!all.take(peer, 1)) return full;
      if (!fresh.take(peer, 1)) {
        all.give(peer, 1);
        return crowded;
      }
      try {
        return open(peer);
      } catch (error) {
        fresh.give(peer, 1);
        all.give(peer, 1);
        if (error instanceof OverLimit) return error;
        throw error;
      }
    },
  };
}
