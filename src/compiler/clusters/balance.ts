/** How a cluster's endpoint is chosen. */
import { defaults } from "../../gen/defaults.ts";
import type { BalanceIr } from "../../ir/index.ts";
import type { Cluster } from "../../model/index.ts";

/** The policy, defaults filled in. */
export function balanceOf({ balance }: Cluster): BalanceIr {
  return Object.freeze({ policy: (balance ?? defaults["cluster.balance"]).policy });
}
