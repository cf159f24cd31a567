/** Endpoints that serve the same thing. */
import type { AffinityIr } from "./affinity.ts";
import type { BalanceIr } from "./balance.ts";
import type { ClusterTlsIr } from "./clusterTls.ts";
import type { EndpointIr } from "./endpoint.ts";
import type { HealthCheckIr } from "./healthCheck.ts";
import type { ClusterLimitsIr } from "./limits.ts";
import type { OutlierDetectionIr } from "./outlierDetection.ts";
import type { PoolIr } from "./pool.ts";
import type { NearIr } from "./preferLocal.ts";
import type { UpstreamProtocol } from "./protocol.ts";
import type { ProxyVersion } from "./proxyProtocol.ts";
import type { SlowStartIr } from "./slowStart.ts";

export interface ClusterIr {
  readonly name: string;
  /** Null: it is one of the model's. */
  readonly near: NearIr | null;
  /** Ascending by address, then port. None that is active: 503 (HTTP), closed connection (TCP). */
  readonly endpoints: readonly EndpointIr[];
  readonly balance: BalanceIr;
  readonly affinity: AffinityIr | null;
  /** Null: as much as comes. */
  readonly limits: ClusterLimitsIr | null;
  readonly connectTimeoutMs: number;
  readonly pool: PoolIr;
  readonly healthCheck: HealthCheckIr | null;
  /** Null: each proxy does what it does without being asked. */
  readonly outlierDetection: OutlierDetectionIr | null;
  /** Null: the whole share at once. */
  readonly slowStart: SlowStartIr | null;
  readonly protocol: UpstreamProtocol;
  /** So long goes on what an endpoint has that gets nothing new; null: until one side ends it. */
  readonly drainTimeoutMs: number | null;
  /** The header with which connections to endpoints begin, those of probes too; null: none. */
  readonly proxyProtocol: ProxyVersion | null;
  /** Null: in the clear. */
  readonly tls: ClusterTlsIr | null;
}
