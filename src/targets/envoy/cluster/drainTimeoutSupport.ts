/** What is said of `drainTimeout` without rendering it: this file loads fast. */
import type { Support } from "../../target.ts";

/** What Envoy says of it: of 1.40 neither EDS `UNHEALTHY`, nor taking the endpoint out of the list, nor any option ends its connections. */
export const drainTimeoutCapabilities = {
  "cluster.drainTimeout": {
    refused: "cannot be kept: Envoy has no way to end the connections of one endpoint",
    code: "DRAIN-TIMEOUT-ENVOY",
  },
} as const satisfies Readonly<Record<string, Support>>;
