/**
 * Long lists whose items are worked on in runs, so that after a change only the run that holds it is worked on again. Where a
 * run begins depends on nothing but the item that begins it: an item that comes, goes or moves leaves all other runs alone.
 */
import { spreadHash } from "./hash.ts";
import type { Steps } from "./steps.ts";

/** A run is kept as it was in the last few lists: one rule may stand in several hosts, ports and fleets. */
const MAX_KEPT = 4;

/** What was made before is only compared. */
const KNOWN_RUNS_PER_STEP = 16;

/** Where runs begin. */
interface Borders<Item> {
  /** The usual number of items in a run. */
  readonly length: number;
  /** Names an item well enough to tell whether a run begins with it. */
  readonly idOf: (item: Item) => string;
}

/** What is done with a run. An item is known by its identity. */
export interface RunWork<Item extends object, Context, Result> extends Borders<Item> {
  /** Depends on the items and the context only. In steps: some runs are several times as long as is usual. */
  readonly make: (items: readonly Item[], context: Context) => Steps<Result>;
  /** Whether a result for the same items, made in an earlier context, holds in this one too. */
  readonly holds: (result: Result, context: Context) => boolean;
}

interface Kept<Item, Result> {
  readonly items: readonly Item[];
  readonly result: Result;
}

/**
 * Gives the results for a list, run by run in order: old ones for runs of the very same objects. No items, no results. It may
 * rest after each run; other lists may be worked on meanwhile.
 */
export function createRuns<Item extends object, Context, Result>(
  work: RunWork<Item, Context, Result>,
): (items: readonly Item[], context: Context) => Steps<readonly Result[]> {
  const known = new WeakMap<Item, Kept<Item, Result>[]>();
  const keptFrom = (first: Item): Kept<Item, Result>[] => {
    let kept = known.get(first);
    if (kept === undefined) {
      kept = [];
      known.set(first, kept);
    }
    return kept;
  };
  return function* resultsOf(items, context) {
    const results: Result[] = [];
    for (let start = 0; start < items.length; ) {
      const kept = keptFrom(items[start] as Item);
      const place = { start, borders: work };
      let run = kept.find((old) => isRunAt(old.items, items, place) && work.holds(old.result, context));
      if (run === undefined) {
        const own = items.slice(start, endOfRun(items, place));
        run = { items: own, result: yield* work.make(own, context) };
        kept.unshift(run);
        if (kept.length > MAX_KEPT) kept.pop();
        yield;
      }
      start += run.items.length;
      if (results.push(run.result) % KNOWN_RUNS_PER_STEP === 0) yield;
    }
    return results;
  };
}

interface Place<Item> {
  readonly start: number;
  readonly borders: Borders<Item>;
}

function endOfRun<Item>(items: readonly Item[], { start, borders }: Place<Item>): number {
  let end = start + 1;
  while (end < items.length && !beginsRun(items[end] as Item, borders)) end++;
  return end;
}

function beginsRun<Item>(item: Item, { length, idOf }: Borders<Item>): boolean {
  return spreadHash(idOf(item)) % length === 0;
}

/** Whether an old run is one here too: the same items, and behind them another run or nothing. Only that border is hashed. */
function isRunAt<Item>(run: readonly Item[], items: readonly Item[], { start, borders }: Place<Item>): boolean {
  const end = start + run.length;
  if (end > items.length) return false;
  for (let index = 0; index < run.length; index++) if (run[index] !== items[start + index]) return false;
  return end === items.length || beginsRun(items[end] as Item, borders);
}
