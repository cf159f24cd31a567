/** Endpoints that serve the same thing. */
import type { BalanceIr } from "./balance.ts";
import type { EndpointIr } from "./endpoint.ts";
import type { HealthCheckIr } from "./healthCheck.ts";
import type { ProxyVersion } from "./proxyProtocol.ts";

export interface ClusterIr {
  readonly name: string;
  /** Ascending by address, then port. None that is active: 503 (HTTP), closed connection (TCP). */
  readonly endpoints: readonly EndpointIr[];
  readonly balance: BalanceIr;
  readonly connectTimeoutMs: number;
  readonly healthCheck: HealthCheckIr | null;
  /** The header with which connections to endpoints begin, those of probes too; null: none. */
  readonly proxyProtocol: ProxyVersion | null;
}
