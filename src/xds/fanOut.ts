/** Who is told of a change, a few at a time. */
import { SLICE_MS } from "./limits.ts";
import { pump } from "./push.ts";
import type { Stream } from "./state.ts";
import type { Clock } from "./transport.ts";

/** Pumps many streams in slices, so that requests and pings are served in between. Starts in the same turn of the event loop. */
export function createFanOut(clock: Clock): (streams: Iterable<Stream>) => void {
  const waiting = new Set<Stream>();
  let running = false;
  function drain(): void {
    const until = clock.monotonic() + SLICE_MS;
    for (const stream of waiting) {
      waiting.delete(stream);
      pump(stream);
      if (clock.monotonic() < until) continue;
      setImmediate(drain);
      return;
    }
    running = false;
  }
  return (streams) => {
    for (const stream of streams) waiting.add(stream);
    if (running || waiting.size === 0) return;
    running = true;
    queueMicrotask(drain);
  };
}
