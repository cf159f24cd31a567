/** IR nodes are made here: a node whose own fields all equal those of the node before it is the node before it. */

/** `next`, frozen; or `previous` itself when it holds the same. Plain data is compared by value, and identity ends the look. */
export function reuse<T extends object>(previous: T | null | undefined, next: T): T {
  if (previous !== null && previous !== undefined && sameValue(previous, next)) return previous;
  return Object.freeze(next);
}

/** The same for a list: lists are not frozen (decision 13). */
export function reuseList<T>(previous: readonly T[] | null | undefined, next: readonly T[]): readonly T[] {
  return previous !== null && previous !== undefined && sameValue(previous, next) ? previous : next;
}

/** Whether two values of plain data are equal. What did not change is usually the same object, so this rarely goes deep. */
function sameValue(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a)) return Array.isArray(b) && sameItems(a, b);
  const keys = Object.keys(b);
  if (Array.isArray(b) || keys.length !== Object.keys(a).length) return false;
  return keys.every(
    (key) =>
      Object.hasOwn(a, key) && sameValue((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]),
  );
}

function sameItems(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b.length) return false;
  // Identity first over the whole list: a list of ten thousand that differs at its end is told by length or by one item.
  for (let index = 0; index < a.length; index++)
    if (a[index] !== b[index] && !sameValue(a[index], b[index])) return false;
  return true;
}
