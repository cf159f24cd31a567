/** One Listener per UDP port: a proxy that keeps sessions, or chooses an endpoint for each packet. */
import { create } from "@bufbuild/protobuf";
import { SocketAddress_Protocol as Protocol } from "../../gen/proto/envoy/config/core/v3/address_pb.js";
import { ListenerSchema } from "../../gen/proto/envoy/config/listener/v3/listener_pb.js";
import { RouteSchema } from "../../gen/proto/envoy/extensions/filters/udp/udp_proxy/v3/route_pb.js";
import { UdpProxyConfigSchema } from "../../gen/proto/envoy/extensions/filters/udp/udp_proxy/v3/udp_proxy_pb.js";
import { MatcherSchema } from "../../gen/proto/xds/type/matcher/v3/matcher_pb.js";
import type { FleetIr, UdpPortIr } from "../../ir/index.ts";
import { type Finding, foundByInspection, type RenderedResource, type Support } from "../target.ts";
import { duration, encode, pack, resourceOf, typeUrls } from "./types.ts";

/** No cluster has a capital in its name: packets for this one are dropped. */
const NO_CLUSTER = "NOBODY";

/** Envoy's UDP proxy sends all sessions of a listener to one cluster; only the port shows that the route is for UDP. */
export const oneUdpCluster = {
  refused: "cannot be shared between clusters by a UDP listener: Envoy's UDP proxy has no weights",
  code: "L4-UDP-SPLIT-ENVOY",
  when: foundByInspection,
} as const satisfies Support;

/** What Envoy says of the leaves of UDP listeners. */
export const udpCapabilities = {
  "listener.udp.balance": "exact",
} as const satisfies Readonly<Record<string, Support>>;

/** Errors about UDP ports with several clusters. */
export function inspectUdp({ ports }: FleetIr): readonly Finding[] {
  return ports.flatMap((port) =>
    port.kind !== "udp" || port.split.length < 2
      ? []
      : port.listeners.map((name) => ({
          code: oneUdpCluster.code,
          severity: "error" as const,
          message: `its route's split ${oneUdpCluster.refused}`,
          resource: { kind: "listener" as const, name },
          pointer: "/protocol",
        })),
  );
}

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
