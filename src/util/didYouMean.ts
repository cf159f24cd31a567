/** The name that somebody probably meant. */
import leven from "leven";

/** Names that are compared: a model may have very many, and each takes about a microsecond. */
const MAX_CANDIDATES = 2_000;
/** Longer words are no slips of names. */
const MAX_LENGTH = 64;
/** One letter of three may be wrong, and three at most: `host` is no `port`. */
const LETTERS_PER_SLIP = 3;
const MAX_SLIPS = 3;
/** Two letters that are swapped count as two slips. */
const SWAP = 2;
/** What is shorter abbreviates too much to say what it is short for. */
const SHORTEST_ABBREVIATION = 3;

/** The nearest of the candidates, letter case, `-` and `_` aside; undefined: none is near. Of several equally near ones the first. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length > MAX_LENGTH) return undefined;
  const wanted = plain(word);
  if (wanted === "") return undefined;
  let best: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  let left = MAX_CANDIDATES;
  for (const candidate of candidates) {
    if (left-- === 0) break;
    if (candidate === word || candidate.length > 2 * MAX_LENGTH) continue;
    const slips = slipsBetween(wanted, plain(candidate));
    if (slips >= least) continue;
    best = candidate;
    least = slips;
    if (slips === 0) break;
  }
  return best;
}

function plain(word: string): string {
  return word.toLowerCase().replace(/[-_]/g, "");
}

/** How many letters are wrong or missing; infinity: it is another word. */
function slipsBetween(word: string, other: string): number {
  const difference = Math.abs(word.length - other.length);
  const [short, long] = word.length < other.length ? [word, other] : [other, word];
  if (abbreviates(short, long)) return difference;
  const few = word.length === 1 ? 0 : Math.max(1, Math.min(MAX_SLIPS, Math.floor(word.length / LETTERS_PER_SLIP)));
  const most = difference === 0 && sorted(word) === sorted(other) ? Math.max(SWAP, few) : few;
  if (difference > most) return Number.POSITIVE_INFINITY;
  const slips = leven(word, other, { maxDistance: most + 1 });
  return slips > most ? Number.POSITIVE_INFINITY : slips;
}

/** `host` of `hostname`, `mthd` of `method`: the same first letter, all letters in order, and half of them at least. */
function abbreviates(short: string, long: string): boolean {
  if (short.length < SHORTEST_ABBREVIATION || short.length * 2 < long.length || short[0] !== long[0]) return false;
  let at = 0;
  for (const letter of long) if (letter === short[at]) at++;
  return at === short.length;
}

function sorted(word: string): string {
  return [...word].sort().join("");
}

/** The end of a message: `; did you mean "cluster"?`, or nothing. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const found = nearest(word, candidates);
  return found === undefined ? "" : `; did you mean ${JSON.stringify(found)}?`;
}
