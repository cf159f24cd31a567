/** When what is probed: the first time at once, then each by its interval, never more at once than there is room for. */
import type { Clock } from "./types.ts";

/**
 * Probes under way. Endpoints that do not answer hold theirs for the whole timeout: with 2 s there is room for 500 of them each second,
 * beside all that answer.
 */
export const MAX_AT_ONCE = 1_024;
/** Probes begun in one turn of the event loop: each takes about 0.1 ms. */
const MAX_PER_TURN = 32;

export interface ScheduleOptions<Item> {
  readonly clock: Clock;
  /** Never rejects. */
  readonly run: (item: Item) => Promise<void>;
  readonly intervalMs: (item: Item) => number;
  readonly atOnce?: number;
}

/** Items by identity. */
export interface Schedule<Item> {
  /** Runs it as soon as there is room, and again and again. */
  add(item: Item): void;
  /** One that runs ends, and that was its last time. */
  remove(item: Item): void;
  /** How many run. */
  running(): number;
  close(): void;
}

/** Starts with nothing to do. */
export function createSchedule<Item>(options: ScheduleOptions<Item>): Schedule<Item> {
  const { clock, run, intervalMs, atOnce = MAX_AT_ONCE } = options;
  /** Those that are due, in turn. */
  const due = new Set<Item>();
  /** Those that rest or run; what ends the rest. */
  const known = new Map<Item, () => void>();
  let [running, added] = [0, 0];
  let nextTurn: (() => void) | null = null;

  /** Not at once: thousands may be due together. */
  function serve(): void {
    if (due.size === 0 || running >= atOnce) return;
    nextTurn ??= clock.after(0, () => {
      nextTurn = null;
      turn();
    });
  }

  function turn(): void {
    let begun = 0;
    for (const item of due) {
      if (running >= atOnce || begun === MAX_PER_TURN) break;
      begun += 1;
      due.delete(item);
      void begin(item);
    }
    serve();
  }

  async function begin(item: Item): Promise<void> {
    const begunAt = clock.now();
    const isFirst = known.get(item) === unscheduled;
    running += 1;
    await run(item);
    running -= 1;
    if (known.has(item)) {
      const interval = intervalMs(item);
      const rest = isFirst ? interval * share() : begunAt + interval - clock.now();
      const callOff = clock.after(Math.max(0, rest), () => {
        due.add(item);
        serve();
      });
      known.set(item, callOff);
    }
    serve();
  }

  /** Of the interval before the second time: those that were added together do not stay together. */
  function share(): number {
    added += 1;
    return ((added * GOLDEN_RATIO) % 1) * SPREAD + (1 - SPREAD);
  }

  return {
    add: (item) => {
      if (known.has(item)) return;
      known.set(item, unscheduled);
      due.add(item);
      serve();
    },
    remove: (item) => {
      known.get(item)?.();
      known.delete(item);
      due.delete(item);
    },
    running: () => running,
    close: () => {
      nextTurn?.();
      for (const callOff of known.values()) callOff();
      known.clear();
      due.clear();
    },
  };
}

/** Multiples of it, without their whole part, lie far from each other however many there are. */
const GOLDEN_RATIO = 0.618_033_988_749_895;
/** The second probe comes after at least half an interval. */
const SPREAD = 0.5;

const unscheduled = (): void => undefined;
