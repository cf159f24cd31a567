/** Endpoints that serve the same thing. */
import type { BalanceIr } from "./balance.ts";
import type { EndpointIr } from "./endpoint.ts";
import type { HealthCheckIr } from "./healthCheck.ts";
import type { ClusterLimitsIr } from "./limits.ts";

export interface ClusterIr {
  readonly name: string;
  /** Ascending by address, then port. None that is active: 503 (HTTP), closed connection (TCP). */
  readonly endpoints: readonly EndpointIr[];
  readonly balance: BalanceIr;
  /** Null: as much as comes. */
  readonly limits: ClusterLimitsIr | null;
  readonly connectTimeoutMs: number;
  readonly healthCheck: HealthCheckIr | null;
}
