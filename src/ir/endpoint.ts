/** Servers of clusters. */

/** One server: IP address (IPv6 without brackets), port, and relative weight (at least 1). */
export interface EndpointIr {
  readonly address: string;
  readonly port: number;
  readonly weight: number;
}
