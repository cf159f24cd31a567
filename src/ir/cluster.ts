/** Endpoints that serve the same thing. */
import type { BalanceIr } from "./balance.ts";
import type { EndpointIr } from "./endpoint.ts";
import type { HealthCheckIr } from "./healthCheck.ts";
import type { PoolIr } from "./pool.ts";

export interface ClusterIr {
  readonly name: string;
  /** Ascending by address, then port. None that is active: 503 (HTTP), closed connection (TCP). */
  readonly endpoints: readonly EndpointIr[];
  readonly balance: BalanceIr;
  readonly connectTimeoutMs: number;
  readonly pool: PoolIr;
  readonly healthCheck: HealthCheckIr | null;
}
