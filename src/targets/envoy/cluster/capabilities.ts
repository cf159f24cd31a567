/** What Envoy does with the leaves of clusters and health checks: each part's answers stand in the file of its name. */
import type { Support } from "../../target.ts";
import { balanceCapabilities } from "./balanceSupport.ts";
import { healthCheckCapabilities } from "./healthCheckSupport.ts";
import { limitsCapabilities } from "./limitsSupport.ts";
import { priorityCapabilities } from "./priority.ts";

/** One line per leaf that has no file of its own. */
export const clusterCapabilities = {
  "cluster.name": "exact",
  "cluster.labels": "exact",
  "cluster.description": "exact",
  "cluster.endpoints[].address": "exact",
  "cluster.endpoints[].port": "exact",
  "cluster.endpoints[].weight": "exact",
  "cluster.endpoints[].zone": "exact",
  "cluster.locality.weights": "exact",
  "cluster.timeouts.connect": "exact",
  ...balanceCapabilities,
  ...priorityCapabilities,
  "cluster.endpoints[].state": "exact",
  ...healthCheckCapabilities,
  ...limitsCapabilities,
} as const satisfies Readonly<Record<string, Support>>;
