/** Connections to endpoints that are kept and used again, of HTTP. */

/** Null: as the proxy does by itself. */
export interface PoolIr {
  readonly maxIdle: number | null;
  readonly idleTimeoutMs: number | null;
  readonly maxRequestsPerConnection: number | null;
}
