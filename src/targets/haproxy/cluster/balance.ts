/** How an endpoint of a backend is chosen. */
import type { Support } from "../../target.ts";
import { leastRequestByWeight } from "../../unequalWeights.ts";

const leastRequest = leastRequestByWeight(
  "LB-LC-WEIGHTS-HAPROXY",
  "with unequal weights does not look at them while all endpoints are idle: HAProxy then takes them in turn, the other " +
    "proxies by weight (one request at a time at weights 3:1: 40:40 here, 60:20 there; eight at a time: 60:20).",
);

/** What HAProxy says of the leaves of `balance`. */
export const balanceCapabilities = {
  "cluster.balance.policy": leastRequest,
} as const satisfies Readonly<Record<string, Support>>;
