/**
 * Requests that wait to be served. Each stream has one in the queue at a time and goes to its end after it, so no stream waits for
 * the many requests of another; small requests go before large ones, of which one at a time is served to its end: what is made of
 * it is memory.
 */
import { LIGHT_REQUEST_BYTES, SLICE_MS } from "./limits.ts";

/** A stream with a request that waits. */
export interface Waiting {
  /** Bytes of the next request; infinite: the last one is not done with. */
  size(): number;
  /** Serves it, or a part; true: there is more. Must not throw. */
  serve(): boolean;
}

/** The queue of one server. */
export interface RequestQueue {
  /** `waiting` must not be in the queue. */
  add(waiting: Waiting): void;
}

/** An empty queue. `monotonic`: milliseconds that only grow. */
export function createRequestQueue(monotonic: () => number): RequestQueue {
  const light = new Set<Waiting>();
  const heavy = new Set<Waiting>();
  let running = false;
  /** When this turn of the event loop began, as far as that is seen from here. */
  let since = 0;
  let postponed = false;

  function put(waiting: Waiting): void {
    (waiting.size() > LIGHT_REQUEST_BYTES ? heavy : light).add(waiting);
  }

  function serveFirst(lane: Set<Waiting>): void {
    for (const waiting of lane) {
      const more = waiting.serve();
      if (more && lane === heavy && waiting.size() === Number.POSITIVE_INFINITY) return;
      lane.delete(waiting);
      if (more) put(waiting);
      return;
    }
  }

  function drain(): void {
    const now = monotonic();
    // What came from the network has taken long, such as thousands of streams that close: that, and a slice, are not one turn.
    if (now - since >= SLICE_MS && !postponed) {
      postponed = true;
      setImmediate(drain);
      return;
    }
    postponed = false;
    const until = now + SLICE_MS;
    while (light.size > 0 && monotonic() < until) serveFirst(light);
    serveFirst(heavy);
    running = light.size + heavy.size > 0;
    since = monotonic();
    if (running) setImmediate(drain);
  }

  return {
    add(waiting) {
      put(waiting);
      if (running) return;
      running = true;
      since = monotonic();
      setImmediate(drain);
    },
  };
}

/** Does jobs of one party one by one, in turn with what else waits. Jobs must not throw. */
export function createLane(queue: RequestQueue): (job: () => void) => void {
  const jobs: (() => void)[] = [];
  const turn: Waiting = {
    size: () => 0,
    serve() {
      jobs[0]!();
      jobs.shift();
      return jobs.length > 0;
    },
  };
  return (job) => {
    jobs.push(job);
    if (jobs.length === 1) queue.add(turn);
  };
}
