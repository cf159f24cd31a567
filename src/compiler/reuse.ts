/** IR nodes are made here: a node whose own fields all equal those of the node before it is the node before it. */

/** `next`, frozen; or `previous` itself when it holds the same. Plain data is compared by value, and identity ends the look. */
export function reuse<T extends object>(previous: T | null | undefined, next: T): T {
  if (previous !== null && previous !== undefined && sameValue(previous, next)) return previous;
  return Object.freeze(next);
}

/**
 * The same for a node whose lists hold nodes or text. Nodes that are made here are equal when they are the same, so that nothing below
 * them is walked again.
 */
export function reuseParent<T extends object>(previous: T | null | undefined, next: T): T {
  if (previous !== null && previous !== undefined && sameFields(previous, next, sameNode)) return previous;
  return Object.freeze(next);
}

/** The same for a list of nodes: lists are not frozen (decision 13). */
export function reuseList<T>(previous: readonly T[] | null | undefined, next: readonly T[]): readonly T[] {
  return previous !== null && previous !== undefined && sameNode(previous, next) ? previous : next;
}

type Same = (a: unknown, b: unknown) => boolean;

function sameNode(a: unknown, b: unknown): boolean {
  return a === b || (Array.isArray(a) && Array.isArray(b) && sameItems(a, b, Object.is));
}

/** Whether two values of plain data are equal. What did not change is usually the same object, so this rarely goes deep. */
function sameValue(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a)) return Array.isArray(b) && sameItems(a, b, sameValue);
  return !Array.isArray(b) && sameFields(a, b, sameValue);
}

function sameFields(a: object, b: object, same: Same): boolean {
  const keys = Object.keys(b);
  if (keys.length !== Object.keys(a).length) return false;
  for (const key of keys)
    if (!Object.hasOwn(a, key) || !same((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]))
      return false;
  return true;
}

function sameItems(a: readonly unknown[], b: readonly unknown[], same: Same): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) if (!same(a[index], b[index])) return false;
  return true;
}
