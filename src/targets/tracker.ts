/** Remembers what was said of the items of a list, so that of a list that changed only the changed stretch is examined. */
import type { Finding } from "./target.ts";

/** Where two lists differ: `[start, beforeEnd)` of the one stands for `[start, afterEnd)` of the other. */
interface Stretch {
  readonly start: number;
  readonly beforeEnd: number;
  readonly afterEnd: number;
}

/** The stretch between what both lists have in common, by identity, at their start and at their end. */
function stretchOf<T>(before: readonly T[], after: readonly T[]): Stretch {
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && before[start] === after[start]) start++;
  let same = 0;
  while (same < shorter - start && before[before.length - 1 - same] === after[after.length - 1 - same]) same++;
  return { start, beforeEnd: before.length - same, afterEnd: after.length - same };
}

/** The state for one list. */
export interface Tracker<T> {
  items: readonly T[];
  /** Only items with findings. */
  readonly findings: Map<T, readonly Finding[]>;
}

/** The state for an empty list. */
export function createTracker<T>(): Tracker<T> {
  return { items: [], findings: new Map() };
}

/** Forgets the stretch of the old list that the new one does not have (`replaced`), and gives what is new (`fresh`): note its findings. */
export function track<T>(
  tracker: Tracker<T>,
  items: readonly T[],
): { readonly replaced: readonly T[]; readonly fresh: readonly T[] } {
  const { start, beforeEnd, afterEnd } = stretchOf(tracker.items, items);
  const replaced = tracker.items.slice(start, beforeEnd);
  for (const item of replaced) tracker.findings.delete(item);
  tracker.items = items;
  return { replaced, fresh: items.slice(start, afterEnd) };
}

/** Notes what was said of an item. */
export function note<T>(tracker: Tracker<T>, item: T, findings: readonly Finding[]): void {
  if (findings.length > 0) tracker.findings.set(item, findings);
}
