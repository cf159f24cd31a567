/** What endpoints speak. */

/** With requests. http2: without TLS, and without asking first. */
export type UpstreamProtocol = "http1" | "http2";
