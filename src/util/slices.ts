/** Runs steps without holding the event loop: for the edges (API, store, publisher), which have a clock. */
import type { Steps } from "./steps.ts";

/**
 * How long a slice may run. The rule is 50 ms; a step that begins at the end of a slice, a garbage collection and the request
 * that is served in the same turn need the rest.
 */
const SLICE_MS = 10;

/** What slicing needs of the outside. */
export interface Pace {
  /** Milliseconds of a clock that only goes forward. */
  now(): number;
  /** Resolves in a later turn of the event loop, after what waited for its turn by then. */
  turn(): Promise<void>;
}

/** The process's own. Of all that wait for a turn each gets one of its own, so that slices never add up. */
export const systemPace: Pace = { now: () => performance.now(), turn };

const waiting: (() => void)[] = [];

function turn(): Promise<void> {
  return new Promise((resume) => {
    waiting.push(resume);
    if (waiting.length === 1) setImmediate(resumeNext);
  });
}

function resumeNext(): void {
  const resume = waiting.shift();
  if (waiting.length > 0) setImmediate(resumeNext);
  resume?.();
}

/** Lets everything that came meanwhile go first: of two turns one is sure to look at sockets and timers before it. */
export async function rest(pace: Pace = systemPace): Promise<void> {
  await pace.turn();
  await pace.turn();
}

/**
 * Runs the steps. Work that fits into one slice is done at once and its result is no promise: small changes pay a look at the
 * clock and nothing else. What the steps throw is thrown, or rejects the promise.
 */
export function inSlices<T>(steps: Steps<T>, pace: Pace = systemPace): T | Promise<T> {
  const last = slice(steps, pace);
  return last.done ? last.value : remaining(steps, pace);
}

async function remaining<T>(steps: Steps<T>, pace: Pace): Promise<T> {
  for (;;) {
    await pace.turn();
    const last = slice(steps, pace);
    if (last.done) return last.value;
  }
}

/** Runs until the slice is used up or all is done. */
function slice<T>(steps: Steps<T>, pace: Pace): IteratorResult<undefined, T> {
  const end = pace.now() + SLICE_MS;
  for (;;) {
    const step = steps.next();
    if (step.done || pace.now() >= end) return step;
  }
}
