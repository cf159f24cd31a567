/** Ordered collections that change a little at a time. */
import { type Steps, shouldYield } from "./steps.ts";

/** Items that are sorted in one step: about 2 ms with the slowest comparison here. */
const SORTED_PER_STEP = 1024;

/** Orders strings by code unit: the same everywhere, unlike a locale's order. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A new array with the items in `compare`'s order; equal ones keep theirs, as with `toSorted`. */
export function* sortedSteps<T>(items: readonly T[], compare: (a: T, b: T) => number): Steps<T[]> {
  let runs: T[][] = [];
  for (let at = 0; at < items.length; at += SORTED_PER_STEP) {
    if (at > 0) yield;
    runs.push(items.slice(at, at + SORTED_PER_STEP).sort(compare));
  }
  while (runs.length > 1) {
    const longer: T[][] = [];
    for (let index = 0; index < runs.length; index += 2) {
      const [first = [], second = []] = [runs[index], runs[index + 1]];
      longer.push(yield* mergeSteps(first, second, compare));
    }
    runs = longer;
  }
  return runs[0] ?? [];
}

function* mergeSteps<T>(first: readonly T[], second: readonly T[], compare: (a: T, b: T) => number): Steps<T[]> {
  const merged: T[] = [];
  let [left, right] = [0, 0];
  while (left < first.length && right < second.length) {
    const takesFirst = compare(first[left] as T, second[right] as T) <= 0;
    merged.push((takesFirst ? first[left++] : second[right++]) as T);
    if (merged.length % SORTED_PER_STEP === 0) yield;
  }
  appendSlice(merged, first, { from: left, to: first.length });
  appendSlice(merged, second, { from: right, to: second.length });
  return merged;
}

/** The same by a key that is made once for each item and compared by code unit. */
export function* sortedByKeySteps<T>(items: readonly T[], keyOf: (item: T) => string): Steps<T[]> {
  const keyed: { key: string; item: T }[] = [];
  for (const [index, item] of items.entries()) {
    keyed.push({ key: keyOf(item), item });
    if (shouldYield(index)) yield;
  }
  const sorted = yield* sortedSteps(keyed, (a, b) => compareText(a.key, b.key));
  return sorted.map(({ item }) => item);
}

/**
 * A new array: `sorted` without `remove`, with `add`. `sorted` stands in `compare`'s order, in which no two items are equal;
 * items of `remove` that are not there are ignored. Costs copying plus O(log n) comparisons for each item changed.
 */
export function* patchSortedSteps<T>(
  sorted: readonly T[],
  change: { readonly remove: readonly T[]; readonly add: readonly T[]; readonly compare: (a: T, b: T) => number },
): Steps<T[]> {
  const { compare } = change;
  if (sorted.length === 0) return yield* sortedSteps(change.add, compare);
  const cuts = yield* sortedSteps(
    [...change.remove.map((item) => ({ item, added: false })), ...change.add.map((item) => ({ item, added: true }))],
    (a, b) => compare(a.item, b.item) || Number(a.added) - Number(b.added),
  );
  const out: T[] = [];
  let from = 0;
  for (const [index, { item, added }] of cuts.entries()) {
    if (shouldYield(index)) yield;
    const at = lowerBound(sorted, item, { compare, from });
    appendSlice(out, sorted, { from, to: at });
    from = at;
    if (added) out.push(item);
    else if (at < sorted.length && compare(sorted[at] as T, item) === 0) from = at + 1;
  }
  appendSlice(out, sorted, { from, to: sorted.length });
  return out;
}

function appendSlice<T>(out: T[], source: readonly T[], range: { from: number; to: number }): void {
  for (let index = range.from; index < range.to; index++) out.push(source[index] as T);
}

function lowerBound<T>(
  sorted: readonly T[],
  item: T,
  options: { compare: (a: T, b: T) => number; from: number },
): number {
  let [low, high] = [options.from, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (options.compare(sorted[middle] as T, item) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Keys whose value differs by identity between two maps, those that only one has included. Maps that came from each other by
 * a few changes keep their order, so most of the walk needs no look-up.
 */
export function changedKeys<V>(before: ReadonlyMap<string, V>, after: ReadonlyMap<string, V>): string[] {
  if (before === after) return [];
  const changed = new Set<string>();
  const walk = before.entries();
  let step = walk.next();
  for (const [key, value] of after) {
    if (!step.done && step.value[0] === key) {
      if (step.value[1] !== value) changed.add(key);
      step = walk.next();
      continue;
    }
    if (before.get(key) !== value || !before.has(key)) changed.add(key);
    // A key that was deleted before this one: step over it, so that the walks meet again.
    while (!step.done && !after.has(step.value[0])) {
      changed.add(step.value[0]);
      step = walk.next();
    }
    if (!step.done && step.value[0] === key) step = walk.next();
  }
  for (; !step.done; step = walk.next()) if (!after.has(step.value[0])) changed.add(step.value[0]);
  return [...changed];
}
