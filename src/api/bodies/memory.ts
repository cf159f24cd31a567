/** One bound for the memory that all bodies have together once they are built. */

export interface Memory {
  /**
   * Resolves when there is room, in the order in which it was asked; null: not within `patienceMs`, or the signal aborted. What
   * it gives frees the room.
   */
  take(
    bytes: number,
    until: { readonly signal: AbortSignal; readonly patienceMs: number },
  ): Promise<(() => void) | null>;
}

interface Waiting {
  readonly bytes: number;
  readonly resolve: (free: (() => void) | null) => void;
}

/** `bytes` of a body are at most `total`: see there. */
export function createMemory(total: number): Memory {
  const waiting = new Set<Waiting>();
  let taken = 0;
  const serve = (): void => {
    for (const entry of waiting) {
      if (taken + entry.bytes > total) return;
      waiting.delete(entry);
      taken += entry.bytes;
      let isFreed = false;
      entry.resolve(() => {
        if (isFreed) return;
        isFreed = true;
        taken -= entry.bytes;
        serve();
      });
    }
  };
  return {
    take(bytes, { signal, patienceMs }) {
      const { promise, resolve } = Promise.withResolvers<(() => void) | null>();
      const entry = { bytes, resolve };
      const giveUp = (): void => {
        if (waiting.delete(entry)) resolve(null);
        // What waited behind it may fit.
        serve();
      };
      const timer = setTimeout(giveUp, patienceMs);
      signal.addEventListener("abort", giveUp, { once: true });
      void promise.finally(() => {
        clearTimeout(timer);
        signal.removeEventListener("abort", giveUp);
      });
      waiting.add(entry);
      serve();
      return promise;
    },
  };
}
