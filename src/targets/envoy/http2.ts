/** What a connection of HTTP/2 may do, to clients and to endpoints. */
import { HTTP2_CONNECTION_WINDOW, HTTP2_STREAM_WINDOW, HTTP2_STREAMS } from "../../ir/index.ts";

/** Http2ProtocolOptions. */
export const http2Options = {
  maxConcurrentStreams: HTTP2_STREAMS,
  initialStreamWindowSize: HTTP2_STREAM_WINDOW,
  initialConnectionWindowSize: HTTP2_CONNECTION_WINDOW,
} as const;
