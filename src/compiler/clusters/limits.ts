/** What is too much for a cluster's endpoints. */
import { defaults } from "../../gen/defaults.ts";
import type { ClusterLimitsIr } from "../../ir/index.ts";
import { type Cluster, durationMs } from "../../model/index.ts";

const QUEUE_TIMEOUT_MS = durationMs(defaults["cluster.limits.queueTimeout"]);

/** Null: there is no limit. */
export function limitsOf({ limits }: Cluster): ClusterLimitsIr | null {
  if (limits === undefined) return null;
  const { maxConnectionsPerEndpoint, maxConnections, maxRequests, maxPending, queueTimeout } = limits;
  const all = [maxConnections, maxRequests].filter((limit) => limit !== undefined);
  const timeoutMs = queueTimeout === undefined ? QUEUE_TIMEOUT_MS : durationMs(queueTimeout);
  return Object.freeze({
    connectionsPerEndpoint: maxConnectionsPerEndpoint ?? null,
    connections: maxConnections ?? null,
    requests: all.length === 0 ? null : Math.min(...all),
    queue: maxPending === undefined ? null : Object.freeze({ length: maxPending, timeoutMs }),
  });
}
