/** How an endpoint of a cluster is chosen. */

/** roundRobin: in turn, by weight. leastRequest: the one with the fewest requests under way for its weight. */
export interface BalanceIr {
  readonly policy: "roundRobin" | "leastRequest";
}
