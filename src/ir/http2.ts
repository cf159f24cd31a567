/** HTTP/2: the limits of a connection. Every proxy is told the same, as far as it can be told; docs/http2.md says where it cannot. */

/** Requests at a time on a connection: HAProxy's own default, and the least that RFC 9113 recommends. */
export const HTTP2_STREAMS = 100;
/**
 * Bytes of a body that the other side may send ahead of what was taken off, for each request: the protocol's own beginning. HAProxy
 * has to hold them in a buffer, or else a request that is slow would keep up the others of its connection.
 */
export const HTTP2_STREAM_WINDOW = 65_535;
/** The same for a connection: all its requests may fill their windows, and none has to wait for another. */
export const HTTP2_CONNECTION_WINDOW = HTTP2_STREAMS * HTTP2_STREAM_WINDOW;

/** What a client's connection speaks. off: HTTP/1.1. on: that or HTTP/2, as the client begins, or by ALPN. only: HTTP/2. */
export type Http2Use = "off" | "on" | "only";

/** ALPN of a TLS listener, best first. */
export const HTTP2_ALPN: Readonly<Record<Http2Use, readonly string[]>> = {
  off: ["http/1.1"],
  on: ["h2", "http/1.1"],
  only: ["h2"],
};

/** Requests on a connection where a proxy cannot count resets (nginx, whose default it is): the client then opens another. */
export const HTTP2_REQUESTS = 1_000;
/** Frames that cost a proxy something and carry nothing, before it closes the connection; Envoy's own defaults, written down. */
export const HTTP2_FLOOD = {
  /** Answers that wait to be written, of all kinds: a client that reads nothing. */
  outboundFrames: 10_000,
  /** Of these PING and SETTINGS acknowledgements and resets. */
  outboundControlFrames: 1_000,
  /** Frames without a byte, in a row. */
  emptyFrames: 1,
  priorityFramesPerStream: 100,
  /** WINDOW_UPDATE, for each DATA frame that was sent. */
  windowUpdatesPerData: 10,
} as const;
