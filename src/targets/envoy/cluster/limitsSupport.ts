/** What is said of `limits` without rendering them: this file loads fast. */
import type { ClusterIr } from "../../../ir/index.ts";
import { countedOnce, limitFinding } from "../../clusterLimits.ts";
import { type Finding, foundByInspection, type Support } from "../../target.ts";
import { waitsForNothing } from "./protocolSupport.ts";

const ofAllEndpoints = {
  approximated:
    "is without `maxPending` a limit of all endpoints together, for Envoy has none of one without a queue: one endpoint may get more " +
    "than another. With it Envoy does not pass over an endpoint that is full, counts idle connections, and gives each worker one.",
  code: "LIMIT-ENDPOINT-ENVOY",
  when: foundByInspection,
} as const satisfies Support;

const withoutTimeout = {
  approximated:
    "has no timeout of its own in Envoy: a request waits as long as the limits of its rule let it, then 504. One that waits while a " +
    "connection is being made counts too.",
  code: "QUEUE-TIMEOUT-ENVOY",
} as const satisfies Support;

/** What Envoy says of the leaves of `limits`. */
export const limitsCapabilities = {
  "cluster.limits.maxConnectionsPerEndpoint": [ofAllEndpoints, countedOnce],
  "cluster.limits.maxConnections": countedOnce,
  "cluster.limits.maxRequests": countedOnce,
  "cluster.limits.maxPending": [withoutTimeout, waitsForNothing, countedOnce],
  "cluster.limits.queueTimeout": [withoutTimeout, countedOnce],
} as const satisfies Readonly<Record<string, Support>>;

/** Warnings about limits of endpoints; the limit of a cluster with one endpoint and no queue is that endpoint's. */
export function inspectEndpointLimits(clusters: readonly ClusterIr[]): readonly Finding[] {
  return clusters
    .filter(({ limits, endpoints }) => {
      const isLimited = limits !== null && limits.connectionsPerEndpoint !== null;
      return isLimited && (endpoints.length > 1 || limits.queue !== null);
    })
    .map(({ name }) => limitFinding(ofAllEndpoints, name, "/limits/maxConnectionsPerEndpoint"));
}
