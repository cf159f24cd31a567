/** Many streams, a few at a time. */
import { SLICE_MS } from "./limits.ts";
import type { Clock } from "./transport.ts";

/**
 * Does something for each of many, in slices, so that requests and pings are served in between. Starts in the same turn of the event
 * loop. What it throws is told, and the others have their turn.
 */
export function createTurns<T>(
  clock: Clock,
  act: (entry: T) => void,
  onError: (error: unknown) => void,
): (entries: Iterable<T>) => void {
  const waiting = new Set<T>();
  let running = false;
  function drain(): void {
    const until = clock.monotonic() + SLICE_MS;
    for (const entry of waiting) {
      waiting.delete(entry);
      try {
        act(entry);
      } catch (error) {
        onError(error);
      }
      if (clock.monotonic() < until) continue;
      setImmediate(drain);
      return;
    }
    running = false;
  }
  return (entries) => {
    for (const entry of entries) waiting.add(entry);
    if (running || waiting.size === 0) return;
    running = true;
    queueMicrotask(drain);
  };
}
