/** What is said of the connections to endpoints that are kept: this file loads fast. */
import type { Support } from "../../target.ts";

/** What Envoy says of the leaves of `pool`. */
export const poolCapabilities = {
  "cluster.pool.maxIdle": {
    approximated: "is not looked at: Envoy keeps idle connections until `idleTimeout`, however many there are",
    code: "POOL-MAX-IDLE-ENVOY",
  },
  "cluster.pool.idleTimeout": "exact",
  "cluster.pool.maxRequestsPerConnection": "exact",
} as const satisfies Readonly<Record<string, Support>>;
