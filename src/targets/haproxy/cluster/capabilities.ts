/** What HAProxy does with the leaves of clusters and health checks: each part's answers stand in the file of its name. */
import { notBeforeGrace } from "../../drainTimeout.ts";
import type { Support } from "../../target.ts";
import { affinityCapabilities } from "./affinity.ts";
import { balanceCapabilities } from "./balance.ts";
import { healthCheckCapabilities } from "./healthCheck.ts";
import { limitsCapabilities } from "./limits.ts";
import { outlierDetectionCapabilities } from "./outlierDetection.ts";
import { poolCapabilities } from "./pool.ts";
import { priorityCapabilities } from "./priority.ts";
import { slowStartCapabilities } from "./slowStart.ts";
import { stateCapabilities } from "./state.ts";

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
  "cluster.locality.preferLocal.table": "exact",
  "cluster.timeouts.connect": "exact",
  ...affinityCapabilities,
  ...balanceCapabilities,
  ...priorityCapabilities,
  ...stateCapabilities,
  "cluster.protocol": "exact",
  "cluster.proxyProtocol": "exact",
  ...healthCheckCapabilities,
  ...outlierDetectionCapabilities,
  ...slowStartCapabilities,
  "cluster.drainTimeout": notBeforeGrace,
  ...poolCapabilities,
  ...limitsCapabilities,
} as const satisfies Readonly<Record<string, Support>>;
