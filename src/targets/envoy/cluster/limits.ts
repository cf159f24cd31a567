/** Circuit breakers of a cluster. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { CircuitBreakersSchema } from "../../../gen/proto/envoy/config/cluster/v3/circuit_breaker_pb.js";
import { type ClusterIr, isActive } from "../../../ir/index.ts";

/** Envoy's default of 1024 connections, pending and running requests would answer 503 where the other proxies have no limit. */
const NO_LIMIT = 1_000_000;

/** How a cluster is reached. Of HTTP a limit on connections would count idle ones: there it is one on requests. */
type Reach = "http" | "tcp";

/** The limits as Envoy has them. */
export function circuitBreakers(cluster: ClusterIr, reach: Reach): MessageInitShape<typeof CircuitBreakersSchema> {
  const { connectionsPerEndpoint = null, connections = null, requests = null, queue = null } = cluster.limits ?? {};
  const waits = reach === "http" ? queue : null;
  const all = waits === null ? ofAllEndpoints(cluster) : NO_LIMIT;
  return {
    thresholds: [
      {
        maxConnections: reach === "tcp" ? Math.min(connections ?? NO_LIMIT, all) : NO_LIMIT,
        maxRequests: reach === "http" ? Math.min(requests ?? NO_LIMIT, all) : NO_LIMIT,
        maxPendingRequests: waits?.length ?? NO_LIMIT,
        maxRetries: NO_LIMIT,
      },
    ],
    ...(waits === null || connectionsPerEndpoint === null
      ? {}
      : { perHostThresholds: [{ maxConnections: connectionsPerEndpoint }] }),
  };
}

/**
 * What is too much for one endpoint waits in Envoy, and with no room to wait (`max_pending_requests: 0`) Envoy refuses all that has no
 * connection yet. So without a queue all endpoints have one limit: what they take together, of those that serve at a time.
 */
function ofAllEndpoints({ limits, endpoints }: ClusterIr): number {
  const each = limits?.connectionsPerEndpoint ?? null;
  if (each === null) return NO_LIMIT;
  const active = endpoints.filter(isActive);
  const level = Math.min(...active.map(({ priority }) => priority));
  const serving = active.filter(({ priority }) => priority === level);
  return Math.min(NO_LIMIT, each * Math.max(1, serving.length));
}
