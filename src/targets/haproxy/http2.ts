/** HTTP/2 with clients, and the limits of its connections. */
import { type FleetIr, HTTP2_STREAM_WINDOW, HTTP2_STREAMS, type Http2Use } from "../../ir/index.ts";
import type { Quoted } from "../../util/templates.ts";
import { number } from "./quote.ts";

/** Of a frontend. */
export interface Http2View {
  /** Clients may begin with it. */
  readonly http2: boolean;
  /** They must. */
  readonly http2Only: boolean;
}

/** What a frontend says. */
export function http2View(use: Http2Use): Http2View {
  return { http2: use === "on", http2Only: use === "only" };
}

/** Of `global` and of what every listener does first. */
export interface FleetHttp2View {
  /** Null: nobody speaks it. */
  readonly http2Limits: { readonly streams: Quoted<"number">; readonly window: Quoted<"number"> } | null;
  readonly http2Clients: boolean;
}

/** What a fleet says. */
export function fleetHttp2View({ ports, clusters }: FleetIr): FleetHttp2View {
  const http2Clients = ports.some((port) => port.kind === "http" && port.http2 !== "off");
  const isSpoken = http2Clients || clusters.some(({ protocol }) => protocol === "http2");
  const limits = { streams: number(HTTP2_STREAMS), window: number(HTTP2_STREAM_WINDOW) };
  return { http2Limits: isSpoken ? limits : null, http2Clients };
}
