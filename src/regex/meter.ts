/** What the analysis of an expression took so far. */
export interface Meter {
  /** About microseconds, counted and not timed: the same on every machine. */
  work: number;
}
