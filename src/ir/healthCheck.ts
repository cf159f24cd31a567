/** Active health checks, defaults filled in. */

import type { UpstreamProtocol } from "./protocol.ts";

/** How a proxy finds out whether an endpoint can serve; times in milliseconds. */
export interface HealthCheckIr {
  readonly kind: "tcp" | "http" | "grpc";
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly rise: number;
  readonly fall: number;
  /** Before the first probe. */
  readonly initial: "down" | "up";
  readonly port: number | null;
  /** Null for others. */
  readonly tcp: { readonly send: string | null; readonly expect: string | null } | null;
  /** Null for others; the empty service is the server as a whole. */
  readonly grpc: { readonly service: string } | null;
  /** Null for others. */
  readonly http: {
    readonly protocol: UpstreamProtocol;
    readonly method: string;
    readonly path: string;
    readonly host: string;
    readonly headers: readonly { readonly name: string; readonly value: string }[];
    readonly bodyContains: string | null;
    /** Of the common dialect; matches some part of the body. */
    readonly bodyRegex: string | null;
    /** Both ends included, ascending. */
    readonly expectedStatus: readonly { readonly low: number; readonly high: number }[];
  } | null;
}

/** Whether its probes speak HTTP/2. */
export function isOverHttp2({ grpc, http }: HealthCheckIr): boolean {
  return grpc !== null || http?.protocol === "http2";
}
