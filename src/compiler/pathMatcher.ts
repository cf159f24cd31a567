/** Whether a constant path matches a regular expression: asked when groups are made, so that proxies need not ask. */
import { type MatchBudget, MatchTooLongError, matchesWhole } from "../regex/index.ts";

/** What one host's groups may spend on it: about 50 ms, in steps. What is not decided then, the proxy decides at run time. */
const BUDGET = 30_000_000;
/** Answers kept: a changed host asks again what it asked before. Some 100 bytes each. */
const MAX_KNOWN = 100_000;

export interface PathMatcher {
  /** Null: it would take too long to find out. */
  readonly matches: (regex: string, path: string, budget: MatchBudget) => boolean | null;
  /** What one host may spend. */
  readonly budget: () => MatchBudget;
}

/** A matcher that remembers. */
export function createPathMatcher(): PathMatcher {
  const known = new Map<string, boolean>();
  return {
    budget: () => ({ left: BUDGET }),
    matches(regex, path, budget) {
      const key = `${regex} ${path}`;
      const old = known.get(key);
      if (old !== undefined) return old;
      try {
        const result = matchesWhole(regex, path, budget);
        if (known.size >= MAX_KNOWN) known.clear();
        known.set(key, result);
        return result;
      } catch (error) {
        if (error instanceof MatchTooLongError) return null;
        throw error;
      }
    },
  };
}
