/** The PROXY header at the beginning of a listener's connections. */
import { create } from "@bufbuild/protobuf";
import { ProxyProtocolSchema } from "../../gen/proto/envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol_pb.js";
import { PROXY_HEADER_TIMEOUT_MS, type ProxyProtocolIr } from "../../ir/index.ts";
import { duration, pack } from "./types.ts";

/** The listener filters that read it, before all others; none without PROXY protocol. */
export function headerFilters(asked: ProxyProtocolIr | null) {
  if (asked === null) return [];
  const filter = create(ProxyProtocolSchema, { allowRequestsWithoutProxyProtocol: asked.mode === "optional" });
  const value = pack(ProxyProtocolSchema, filter);
  return [{ name: "envoy.filters.listener.proxy_protocol", configType: { case: "typedConfig" as const, value } }];
}

/** For a filter chain: who may connect, by the address from which the header came. No chain fits the others: they are closed. */
export function sendersMatch(asked: ProxyProtocolIr | null) {
  if (asked === null || asked.from === "") return { filterChainMatch: undefined };
  const ranges = asked.from.split(" ").map((range) => {
    const [addressPrefix = "", bits] = range.split("/");
    return { addressPrefix, prefixLen: Number(bits) };
  });
  return { filterChainMatch: { directSourcePrefixRanges: ranges } };
}

/** Of a TCP listener, which has no other filter that waits for bytes. */
export function headerTimeout(asked: ProxyProtocolIr | null) {
  return asked === null ? {} : { listenerFiltersTimeout: duration(PROXY_HEADER_TIMEOUT_MS) };
}
