/** What is said of `affinity` without rendering it: this file loads fast. */
import type { Support } from "../../target.ts";

/** What Envoy says of the leaves of `affinity`. */
export const affinityCapabilities = {
  "cluster.affinity.cookie.name": "exact",
} as const satisfies Readonly<Record<string, Support>>;
