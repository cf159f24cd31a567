/** The name that somebody probably meant. */
import leven from "leven";

/** Names that are compared: a model may have very many, and each takes about a microsecond. */
const MAX_CANDIDATES = 2_000;
/** Longer words are no slips of names. */
const MAX_LENGTH = 64;
/** Half of the letters may be wrong (two that are swapped count as two), and three at most. */
const LETTERS_PER_SLIP = 2;
const MAX_SLIPS = 3;

/** The nearest of the candidates, letter case aside; undefined: none is near. Of several equally near ones the first. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length > MAX_LENGTH) return undefined;
  const wanted = word.toLowerCase();
  let best: string | undefined;
  let least = Math.min(MAX_SLIPS, Math.floor(word.length / LETTERS_PER_SLIP)) + 1;
  let left = MAX_CANDIDATES;
  for (const candidate of candidates) {
    if (left-- === 0) break;
    if (Math.abs(candidate.length - word.length) >= least || candidate === word) continue;
    const slips = leven(wanted, candidate.toLowerCase(), { maxDistance: least });
    if (slips >= least) continue;
    best = candidate;
    least = slips;
    if (slips === 0) break;
  }
  return best;
}

/** The end of a message: `; did you mean "cluster"?`, or nothing. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const found = nearest(word, candidates);
  return found === undefined ? "" : `; did you mean ${JSON.stringify(found)}?`;
}
