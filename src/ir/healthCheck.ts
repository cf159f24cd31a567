/** Active health checks, defaults filled in. */

/** How a proxy finds out whether an endpoint can serve; times in milliseconds. */
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
