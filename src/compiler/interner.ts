/** One object for equal values, for as long as somebody holds it. */

/** Dead entries are looked for when the table has grown to twice of what was alive at the last look, but not below this. */
const MIN_SWEEP = 1024;

export interface Interner {
  /**
   * The one object of this kind that equals `value`: an earlier one; or what `make` gives, which is equal too, frozen; without it `value`
   * itself. Plain data only.
   */
  readonly intern: <T extends object>(kind: string, value: T, make?: () => T) => T;
}

/** An empty table. It holds values weakly: what no IR uses any more is let go. */
export function createInterner(): Interner {
  const known = new Map<string, WeakRef<object>>();
  let sweepAt = MIN_SWEEP;
  const sweep = (): void => {
    for (const [key, ref] of known) if (ref.deref() === undefined) known.delete(key);
    sweepAt = Math.max(MIN_SWEEP, 2 * known.size);
  };
  return {
    intern<T extends object>(kind: string, value: T, make: () => T = () => value): T {
      const key = `${kind} ${JSON.stringify(value)}`;
      const old = known.get(key)?.deref();
      if (old !== undefined) return old as T;
      if (known.size >= sweepAt) sweep();
      const made = Object.freeze(make());
      known.set(key, new WeakRef(made));
      return made;
    },
  };
}
