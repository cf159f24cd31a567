/** For tests: numbers that are random and can be had again. */

/** A whole number from 0 up to, and without, `below`. */
export type Random = (below: number) => number;

/** Marsaglia's xorshift, which needs a state that is not 0. The first numbers of small seeds are alike, so they are left out. */
export function createRandom(seed: number): Random {
  let state = Math.imul(seed, 2) | 1;
  const next: Random = (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
  for (let skipped = 0; skipped < 8; skipped++) next(1);
  return next;
}
