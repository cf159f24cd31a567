/** Connections to endpoints that are kept. */
import type { PoolIr } from "../../ir/index.ts";
import { type Cluster, durationMs } from "../../model/index.ts";

/** What the cluster says of its pool. */
export function poolOf({ pool }: Cluster): PoolIr {
  return Object.freeze({
    maxIdle: pool?.maxIdle ?? null,
    idleTimeoutMs: pool?.idleTimeout === undefined ? null : durationMs(pool.idleTimeout),
    maxRequestsPerConnection: pool?.maxRequestsPerConnection ?? null,
  });
}
