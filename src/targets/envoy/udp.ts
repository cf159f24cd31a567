/** One Listener per UDP port: a proxy that keeps sessions, or chooses an endpoint for each packet. */
import { create } from "@bufbuild/protobuf";
import { SocketAddress_Protocol as Protocol } from "../../gen/proto/envoy/config/core/v3/address_pb.js";
import { ListenerSchema } from "../../gen/proto/envoy/config/listener/v3/listener_pb.js";
import { RouteSchema } from "../../gen/proto/envoy/extensions/filters/udp/udp_proxy/v3/route_pb.js";
import { UdpProxyConfigSchema } from "../../gen/proto/envoy/extensions/filters/udp/udp_proxy/v3/udp_proxy_pb.js";
import { MatcherSchema } from "../../gen/proto/xds/type/matcher/v3/matcher_pb.js";
import type { UdpPortIr } from "../../ir/index.ts";
import type { RenderedResource } from "../target.ts";
import { duration, encode, pack, resourceOf, typeUrls } from "./types.ts";

/** Of clusters that hash, whose keys are sources; the others do not ask for it. As of TCP, a Listener must not change with its cluster. */
const BY_SOURCE = { policySpecifier: { case: "sourceIp" as const, value: true } };
/** No cluster has a capital in its name: packets for this one are dropped. */
const NO_CLUSTER = "NOBODY";

/** The Listener of a UDP port. */
export function udpListener(port: UdpPortIr): RenderedResource {
  const { id, address, split, idleTimeoutMs, perPacket } = port;
  const cluster = split[0]?.cluster ?? null;
  const route = pack(RouteSchema, create(RouteSchema, { cluster: cluster ?? NO_CLUSTER }));
  const action = { case: "action", value: { name: "route", typedConfig: route } } as const;
  const proxy = create(UdpProxyConfigSchema, {
    statPrefix: id,
    routeSpecifier: { case: "matcher", value: create(MatcherSchema, { onNoMatch: { onMatch: action } }) },
    idleTimeout: duration(idleTimeoutMs),
    hashPolicies: [BY_SOURCE],
    usePerPacketLoadBalancing: perPacket,
  });
  const portSpecifier = { case: "portValue", value: port.port } as const;
  const message = create(ListenerSchema, {
    name: id,
    address: { address: { case: "socketAddress", value: { protocol: Protocol.UDP, address, portSpecifier } } },
    listenerFilters: [
      {
        name: "envoy.filters.udp_listener.udp_proxy",
        configType: { case: "typedConfig", value: pack(UdpProxyConfigSchema, proxy) },
      },
    ],
  });
  const refs = cluster === null ? [] : [[typeUrls.cluster, cluster] as const];
  return resourceOf(typeUrls.listener, id, { bytes: encode(ListenerSchema, message), refs });
}
