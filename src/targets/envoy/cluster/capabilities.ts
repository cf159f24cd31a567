/** What Envoy does with the leaves of clusters and health checks: each part's answers stand in the file of its name. */
import type { Support } from "../../target.ts";
import { affinityCapabilities } from "./affinity.ts";
import { balanceCapabilities } from "./balance.ts";
import { healthCheckCapabilities } from "./healthCheck.ts";

/** One line per leaf that has no file of its own. */
export const clusterCapabilities = {
  "cluster.name": "exact",
  "cluster.labels": "exact",
  "cluster.description": "exact",
  "cluster.endpoints[].address": "exact",
  "cluster.endpoints[].port": "exact",
  "cluster.endpoints[].weight": "exact",
  "cluster.timeouts.connect": "exact",
  ...affinityCapabilities,
  ...balanceCapabilities,
  ...healthCheckCapabilities,
} as const satisfies Readonly<Record<string, Support>>;
