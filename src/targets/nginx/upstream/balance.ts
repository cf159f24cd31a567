/** How an endpoint of an upstream group is chosen. */
import { foundByInspection, type Support } from "../../target.ts";
import { hashedSessions } from "../udp.ts";

/** What nginx says of the leaves of `balance`. */
export const balanceCapabilities = {
  "cluster.balance.policy": { ...hashedSessions, when: foundByInspection },
} as const satisfies Readonly<Record<string, Support>>;
