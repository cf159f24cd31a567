/**
 * The regex room: regular expressions of the model's dialect (what RE2 and PCRE2 read alike).
 *
 * Input: an expression as text. Output: whether it is of the dialect, its tree, whether a text matches it (as RE2 does), and
 * its linear form for PCRE2. Guarantee: pure; matching and analysis are bounded by named limits. It must not know a proxy's syntax.
 */
export { matchesDecoded, matchesEmpty, matchesOnly } from "./characters.ts";
export { foundIn, isSearchable } from "./found.ts";
export { fullMatch, type LinearRegex, linearRegex, regexProblem, regexWork } from "./linear.ts";
export { literalStart, type MatchBudget, MatchTooLongError, matchesWhole } from "./match.ts";
export { parseRegex } from "./parse.ts";
export { searched } from "./search.ts";
export { rangesOf } from "./setText.ts";
export type { WrittenRegex } from "./tree.ts";
export { hasAnchor, withoutCharacter } from "./without.ts";
