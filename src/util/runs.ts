/**
 * Long lists whose items are worked on in runs, so that after a change only the run that holds it is worked on again. Where a
 * run begins depends on nothing but the item that begins it: an item that comes, goes or moves leaves all other runs alone.
 */
import { spreadHash } from "./hash.ts";

/** A run is kept as it was in the last few lists: one rule may stand in several hosts, ports and fleets. */
const MAX_KEPT = 4;

/** An item by its identity; `id` tells only where runs begin. */
interface RunItem {
  readonly id: string;
}

/** What is done with a run. */
export interface RunWork<Item extends RunItem, Context, Result> {
  /** The usual number of items in a run. */
  readonly length: number;
  /** Depends on the items and the context only. */
  readonly make: (items: readonly Item[], context: Context) => Result;
  /** Whether a result for the same items, made in an earlier context, holds in this one too. */
  readonly holds: (result: Result, context: Context) => boolean;
}

interface Kept<Item, Result> {
  readonly items: readonly Item[];
  readonly result: Result;
}

/** Gives the results for a list, run by run in order: old ones for runs of the very same objects. No items, no results. */
export function createRuns<Item extends RunItem, Context, Result>(
  work: RunWork<Item, Context, Result>,
): (items: readonly Item[], context: Context) => readonly Result[] {
  const known = new WeakMap<Item, Kept<Item, Result>[]>();
  const resultOf = (items: readonly Item[], range: Range, context: Context): Result => {
    const first = items[range.start] as Item;
    let kept = known.get(first);
    if (kept === undefined) {
      kept = [];
      known.set(first, kept);
    }
    const old = kept.find((run) => isSame(run.items, items, range) && work.holds(run.result, context));
    if (old !== undefined) return old.result;
    const own = items.slice(range.start, range.end);
    const result = work.make(own, context);
    kept.unshift({ items: own, result });
    if (kept.length > MAX_KEPT) kept.pop();
    return result;
  };
  return (items, context) => {
    const results: Result[] = [];
    let start = 0;
    for (let end = 1; end <= items.length; end++) {
      if (end < items.length && spreadHash((items[end] as Item).id) % work.length !== 0) continue;
      results.push(resultOf(items, { start, end }, context));
      start = end;
    }
    return results;
  };
}

interface Range {
  readonly start: number;
  readonly end: number;
}

function isSame<Item>(run: readonly Item[], items: readonly Item[], { start, end }: Range): boolean {
  if (run.length !== end - start) return false;
  for (let index = 0; index < run.length; index++) if (run[index] !== items[start + index]) return false;
  return true;
}

/** The items of several lists, one list after the other, each id once. A single list is given back as it is. */
export function distinctById<Item extends RunItem>(lists: readonly (readonly Item[])[]): readonly Item[] {
  const [only] = lists;
  if (only !== undefined && lists.length === 1) return only;
  const seen = new Set<string>();
  const items: Item[] = [];
  for (const list of lists) {
    for (const item of list) {
      if (seen.has(item.id)) continue;
      seen.add(item.id);
      items.push(item);
    }
  }
  return items;
}
