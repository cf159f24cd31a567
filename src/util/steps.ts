/**
 * Work that may be long, written as a generator: each `yield` is a place where it may rest. Whoever runs it decides whether it
 * does: `finish` runs it in one piece, `inSlices` of slices.ts lets others have a turn. The work itself knows no clock.
 */

/** Gives its result by `return`; what it yields has no meaning. Between two yields it should run for a millisecond at most. */
export type Steps<T> = Generator<undefined, T, undefined>;

/** Items of a list that are worked on between two yields where an item is cheap (some microseconds). */
const ITEMS_PER_STEP = 16;

/** Whether a loop over cheap items should yield after the item at `index`. */
export function shouldYield(index: number): boolean {
  return index % ITEMS_PER_STEP === ITEMS_PER_STEP - 1;
}

/** What is made of each item, in order; it may rest wherever cheap items are due. */
export function* mapSteps<Item, Result>(
  items: readonly Item[],
  make: (item: Item, index: number) => Result,
): Steps<Result[]> {
  const results: Result[] = [];
  for (let index = 0; index < items.length; index++) {
    results.push(make(items[index] as Item, index));
    if (shouldYield(index)) yield;
  }
  return results;
}

/** Runs all of it now. */
export function finish<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** A result that needs no work. */
// biome-ignore lint/correctness/useYield: there is nothing to rest from
export function* done<T>(value: T): Steps<T> {
  return value;
}
