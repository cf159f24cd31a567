/** The PROXY header with which connections to endpoints begin, those of probes too. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { TransportSocketSchema } from "../../../gen/proto/envoy/config/core/v3/base_pb.js";
import { ProxyProtocolConfig_Version as Version } from "../../../gen/proto/envoy/config/core/v3/proxy_protocol_pb.js";
import * as transport from "../../../gen/proto/envoy/extensions/transport_sockets/proxy_protocol/v3/upstream_proxy_protocol_pb.js";
import { RawBufferSchema } from "../../../gen/proto/envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer_pb.js";
import type { ProxyVersion } from "../../../ir/index.ts";
import { pack } from "../types.ts";

type TransportSocketInit = MessageInitShape<typeof TransportSocketSchema>;

const VERSIONS: Readonly<Record<ProxyVersion, Version>> = { v1: Version.V1, v2: Version.V2 };

const rawBuffer = {
  name: "envoy.transport_sockets.raw_buffer",
  configType: { case: "typedConfig" as const, value: pack(RawBufferSchema, create(RawBufferSchema)) },
};

/** The header before `inner`, in which all else is sent. Connections are then shared only by requests of one client's connection. */
export function proxyProtocolTransport(version: ProxyVersion, inner: TransportSocketInit = rawBuffer) {
  const message = create(transport.ProxyProtocolUpstreamTransportSchema, {
    config: { version: VERSIONS[version] },
    transportSocket: inner,
  });
  const value = pack(transport.ProxyProtocolUpstreamTransportSchema, message);
  const name = "envoy.transport_sockets.upstream_proxy_protocol";
  return { name, configType: { case: "typedConfig" as const, value } };
}
