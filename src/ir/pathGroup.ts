/** A virtual host's rules arranged by path, for proxies that look up a path instead of trying rule after rule. */
import type { FieldIr } from "./condition.ts";
import type { PathMatchIr } from "./rule.ts";

/**
 * All requests whose path has one longest pattern of a virtual host: an exact path, a regex, or a prefix that is the longest
 * to cover the path. Groups stand in the order exact, regex (in precedence order), prefix.
 */
export interface PathGroupIr {
  readonly path: PathMatchIr;
  /**
   * The rules that can still take such a request, in precedence order, cut at the first that certainly does. exact: of the whole
   * host. regex: those of this expression only. prefix: of this and of every covering shorter prefix; regexes come before it.
   */
  readonly candidates: readonly CandidateIr[];
  /**
   * Of a prefix group that is not `/`: the candidates for the path that is the prefix itself (`/x`, nothing below), of the whole
   * host as for exact. The same list as `candidates` when they do not differ. Null for other groups.
   */
  readonly bare: readonly CandidateIr[] | null;
  /** How `candidates` can be chosen from by one look-up; null where a table is not worth it or not possible. */
  readonly table: TableIr | null;
}

/** A rule that may take the group's requests when its conditions hold. */
export interface CandidateIr {
  /** Index into the virtual host's `rules`. */
  readonly rule: number;
  /** A full-match regex that the path must match too, where that could not be decided beforehand; null: none. */
  readonly pathRegex: string | null;
}

/** Picks a candidate by a tuple of small classes, one for each dimension. Combinations without a row: none matches. */
export interface TableIr {
  readonly dimensions: readonly DimensionIr[];
  readonly rows: readonly TableRowIr[];
}

/**
 * One field that the group looks at. `classes` of an exact field: `a` = absent or empty, `o` = other, `1..n` = the n-th of
 * `values` (1-based, exact, case-sensitive; a repeated header is `o`). A regex dimension has the classes `0` and `1`
 * (non-empty and full match).
 */
export interface DimensionIr {
  readonly field: FieldIr | { readonly kind: "path" };
  readonly kind: "exact" | "regex";
  readonly values: readonly string[];
}

/** One class per dimension, and the index into `rules` that wins. */
export interface TableRowIr {
  readonly classes: readonly string[];
  readonly rule: number;
}
