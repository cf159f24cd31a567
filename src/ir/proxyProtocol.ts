/** The PROXY protocol: a header at the beginning of a connection that says who the client is. */

/** How long a TCP connection may take for its header, where a proxy has a limit for that: Envoy's own default. HTTP has `headersMs`. */
export const PROXY_HEADER_TIMEOUT_MS = 15_000;

/** Which header is sent. */
export type ProxyVersion = "v1" | "v2";

/** What a port expects of a load balancer in front. */
export interface ProxyProtocolIr {
  /** optional: a connection without a header is taken as it is. */
  readonly mode: "required" | "optional";
  /** Who may send headers: canonical ranges, ascending, with a blank between them; empty: anybody. */
  readonly from: string;
}
