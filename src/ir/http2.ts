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

/** Whether clients may speak HTTP/2. on: beside HTTP/1. only: nothing else. */
export type ClientHttp2 = "off" | "on" | "only";
