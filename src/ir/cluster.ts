/** Endpoints that serve the same thing. */

export interface ClusterIr {
  readonly name: string;
  /** Weight at least 1; ascending by address, then port. Empty: 503 (HTTP), closed connection (TCP). */
  readonly endpoints: readonly EndpointIr[];
  readonly policy: "roundRobin" | "leastRequest";
  readonly connectTimeoutMs: number;
  readonly healthCheck: HealthCheckIr | null;
}

/** One server: IP address (IPv6 without brackets), port, and relative weight (at least 1). */
export interface EndpointIr {
  readonly address: string;
  readonly port: number;
  readonly weight: number;
}

export interface HealthCheckIr {
  readonly kind: "tcp" | "http";
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly rise: number;
  readonly fall: number;
  readonly port: number | null;
  /** Null for tcp. */
  readonly http: {
    readonly method: string;
    readonly path: string;
    readonly host: string;
    /** Both ends included, ascending. */
    readonly expectedStatus: readonly { readonly low: number; readonly high: number }[];
  } | null;
}
