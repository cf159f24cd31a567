/** What a connection of HTTP/2 may do, to clients and to endpoints. */
import { HTTP2_CONNECTION_WINDOW, HTTP2_FLOOD, HTTP2_STREAM_WINDOW, HTTP2_STREAMS } from "../../ir/index.ts";

/** Http2ProtocolOptions. */
export const http2Options = {
  maxConcurrentStreams: HTTP2_STREAMS,
  initialStreamWindowSize: HTTP2_STREAM_WINDOW,
  initialConnectionWindowSize: HTTP2_CONNECTION_WINDOW,
} as const;

/** The same with clients, whose floods end a connection. Resets in a row do so by Envoy's own rule: 500, most of them of short streams. */
export const clientHttp2Options = {
  ...http2Options,
  maxOutboundFrames: HTTP2_FLOOD.outboundFrames,
  maxOutboundControlFrames: HTTP2_FLOOD.outboundControlFrames,
  maxConsecutiveInboundFramesWithEmptyPayload: HTTP2_FLOOD.emptyFrames,
  maxInboundPriorityFramesPerStream: HTTP2_FLOOD.priorityFramesPerStream,
  maxInboundWindowUpdateFramesPerDataFrameSent: HTTP2_FLOOD.windowUpdatesPerData,
  // One malformed request is one request's error, as on the other proxies.
  overrideStreamErrorOnInvalidHttpMessage: true,
} as const;

/** Of a listener: endpoints are told how they are reached (`:scheme`), as by other proxies, and not how the client came; from 1.32 on. */
export const schemeOfEndpoints = { schemeHeaderTransformation: { matchUpstream: true } } as const;
