/** What Envoy does with the leaves of clusters and health checks: each part's answers stand in the file of its name. */
import type { Support } from "../../target.ts";
import { affinityCapabilities } from "./affinitySupport.ts";
import { balanceCapabilities } from "./balanceSupport.ts";
import { drainTimeoutCapabilities } from "./drainTimeoutSupport.ts";
import { healthCheckCapabilities } from "./healthCheckSupport.ts";
import { limitsCapabilities } from "./limitsSupport.ts";
import { outlierDetectionCapabilities } from "./outlierDetectionSupport.ts";
import { poolCapabilities } from "./pool.ts";
import { priorityCapabilities } from "./priority.ts";
import { protocolCapabilities } from "./protocolSupport.ts";
import { slowStartCapabilities } from "./slowStartSupport.ts";

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
  "cluster.endpoints[].state": "exact",
  ...protocolCapabilities,
  "cluster.proxyProtocol": "exact",
  ...healthCheckCapabilities,
  ...outlierDetectionCapabilities,
  ...slowStartCapabilities,
  ...drainTimeoutCapabilities,
  ...poolCapabilities,
  ...limitsCapabilities,
} as const satisfies Readonly<Record<string, Support>>;
