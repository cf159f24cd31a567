/** How an endpoint that comes back gets its share bit by bit, defaults filled in. */
export interface SlowStartIr {
  readonly windowMs: number;
  /** The share with which it begins, in percent of its weight. */
  readonly minPercent: number;
}
