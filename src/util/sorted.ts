/** Sorted arrays that change a little at a time. */

/** Orders strings by code unit: the same everywhere, unlike a locale's order. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * A new array: `sorted` without the items that `drop` names, with `add` merged in. `sorted` stands in `compare`'s order;
 * `add` need not. Costs O(n) cheap steps plus the sorting of `add`.
 */
export function patchSorted<T>(
  sorted: readonly T[],
  change: { readonly drop: (item: T) => boolean; readonly add: readonly T[]; readonly compare: (a: T, b: T) => number },
): T[] {
  const { drop, compare } = change;
  const add = [...change.add].sort(compare);
  const out: T[] = [];
  let next = 0;
  for (const item of sorted) {
    if (drop(item)) continue;
    while (next < add.length && compare(add[next] as T, item) < 0) out.push(add[next++] as T);
    out.push(item);
  }
  while (next < add.length) out.push(add[next++] as T);
  return out;
}
