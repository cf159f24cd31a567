/** What nginx does with the leaves of clusters and health checks: each part's answers stand in the file of its name. */
import { notBeforeGrace } from "../../drainTimeout.ts";
import { foundByInspection, type Support } from "../../target.ts";
import { affinityCapabilities } from "./affinity.ts";
import { balanceCapabilities } from "./balance.ts";
import { healthCheckCapabilities } from "./healthCheck.ts";
import { limitsCapabilities } from "./limits.ts";
import { outlierDetectionCapabilities } from "./outlierDetection.ts";
import { poolCapabilities } from "./pool.ts";
import { priorityCapabilities } from "./priority.ts";
import { protocolCapabilities } from "./protocol.ts";
import { proxyProtocolCapabilities } from "./proxyProtocol.ts";
import { slowStartCapabilities } from "./slowStart.ts";
import { stateCapabilities } from "./state.ts";

/** Of a TCP port whose split has several; only the port shows it. */
export const oneTimeoutPerPort = {
  approximated: "of several clusters of one TCP port is the longest of theirs: nginx has one for a port",
  code: "L4-CONNECT-TIMEOUT-NGINX",
  when: foundByInspection,
} as const satisfies Support;

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
  "cluster.timeouts.connect": oneTimeoutPerPort,
  ...affinityCapabilities,
  ...balanceCapabilities,
  ...priorityCapabilities,
  ...stateCapabilities,
  ...protocolCapabilities,
  ...proxyProtocolCapabilities,
  ...healthCheckCapabilities,
  ...outlierDetectionCapabilities,
  ...slowStartCapabilities,
  "cluster.drainTimeout": notBeforeGrace,
  ...poolCapabilities,
  ...limitsCapabilities,
} as const satisfies Readonly<Record<string, Support>>;
