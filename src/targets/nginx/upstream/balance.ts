/** How an endpoint of an upstream group is chosen. */
import type { Support } from "../../target.ts";

/** What nginx says of the leaves of `balance`. */
export const balanceCapabilities = {
  "cluster.balance.policy": "exact",
} as const satisfies Readonly<Record<string, Support>>;
