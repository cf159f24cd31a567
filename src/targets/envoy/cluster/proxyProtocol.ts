/** The PROXY header with which connections to endpoints begin, those of probes too. */
import { create } from "@bufbuild/protobuf";
import { ProxyProtocolConfig_Version as Version } from "../../../gen/proto/envoy/config/core/v3/proxy_protocol_pb.js";
import * as transport from "../../../gen/proto/envoy/extensions/transport_sockets/proxy_protocol/v3/upstream_proxy_protocol_pb.js";
import { RawBufferSchema } from "../../../gen/proto/envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer_pb.js";
import type { ProxyVersion } from "../../../ir/index.ts";
import { pack } from "../types.ts";

const VERSIONS: Readonly<Record<ProxyVersion, Version>> = { v1: Version.V1, v2: Version.V2 };

const rawBuffer = {
  name: "envoy.transport_sockets.raw_buffer",
  configType: { case: "typedConfig" as const, value: pack(RawBufferSchema, create(RawBufferSchema)) },
};

/** Of a Cluster; nothing without PROXY protocol. Connections are then shared only by requests of one client's connection. */
export function proxyProtocol(version: ProxyVersion | null) {
  if (version === null) return {};
  const message = create(transport.ProxyProtocolUpstreamTransportSchema, {
    config: { version: VERSIONS[version] },
    transportSocket: rawBuffer,
  });
  const value = pack(transport.ProxyProtocolUpstreamTransportSchema, message);
  const name = "envoy.transport_sockets.upstream_proxy_protocol";
  return { transportSocket: { name, configType: { case: "typedConfig" as const, value } } };
}
