/** What is said of slow start without rendering it: this file loads fast. */
import type { Support } from "../../target.ts";

/** What Envoy says of the leaves of `slowStart`. */
export const slowStartCapabilities = {
  "cluster.slowStart.window": "exact",
  "cluster.slowStart.minPercent": "exact",
} as const satisfies Readonly<Record<string, Support>>;
