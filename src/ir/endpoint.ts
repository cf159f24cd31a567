/** Servers of clusters. */

/** active: serves. drain: nothing new, but what remembers it may reach it. down: nothing. What an endpoint has is never cut. */
export type EndpointState = "active" | "drain" | "down";

/** One server: IP address (IPv6 without brackets), port, and relative weight (at least 1) among those of its priority. */
export interface EndpointIr {
  readonly address: string;
  readonly port: number;
  readonly weight: number;
  readonly state: EndpointState;
  /** From 0, without gaps in a cluster: it serves only when none of a lower number can. */
  readonly priority: number;
}

/** Whether an endpoint may get something new. */
export function isActive({ state }: EndpointIr): boolean {
  return state === "active";
}
