/** How long clients of an HTTP port may take. */
export interface ClientTimeoutsIr {
  /** For the head of a request, from its first byte to its end; then 408 or a closed connection. */
  readonly headersMs: number;
  /** Between two pieces of a body; then 408. */
  readonly bodyMs: number;
  /** Between two pieces of an answer that they take; then the connection is closed. */
  readonly sendMs: number;
  /** Between two requests; then the connection is closed. */
  readonly keepAliveMs: number;
}

/**
 * The schema's defaults, which targets write once for all ports. A head fits into one packet or a few: 10 s let three of them be lost and
 * sent again. A minute without a byte is what servers and proxies usually take for a client that is gone.
 */
export const USUAL_CLIENT_TIMEOUTS: ClientTimeoutsIr = Object.freeze({
  headersMs: 10_000,
  bodyMs: 60_000,
  sendMs: 60_000,
  keepAliveMs: 60_000,
});
