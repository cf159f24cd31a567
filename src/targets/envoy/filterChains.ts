/** A Listener out of what is done with its connections: filter chains, and what is read before one of them is chosen. */
import { create } from "@bufbuild/protobuf";
import { type Any, EmptySchema } from "@bufbuild/protobuf/wkt";
import { ListenerSchema } from "../../gen/proto/envoy/config/listener/v3/listener_pb.js";
import type { PortIr, ProxyProtocolIr } from "../../ir/index.ts";
import type { RenderedResource } from "../target.ts";
import { connectionFilters } from "./connectionLimit.ts";
import { headerFilters, headerTimeout, sendersMatch } from "./proxyProtocol.ts";
import { listenerSockets } from "./sockets.ts";
import type { Transport } from "./tls.ts";
import { duration, encode, packBytes, type Ref, resourceOf, typeUrls } from "./types.ts";

/** Where a Listener listens. */
export interface Socket extends Pick<PortIr, "id" | "address" | "port"> {
  /** `socketsKey`. */
  readonly sockets: string;
}

/** The Listener of a socket. */
export function renderListener(
  { id, address, port, sockets }: Socket,
  { firstByteMs, maxConnections, proxyProtocol }: Limits,
  chains: readonly Chain[],
): RenderedResource {
  const filtersOf = ({ name, config }: Chain) => [
    ...connectionFilters(id, maxConnections),
    { name, configType: { case: "typedConfig" as const, value: config } },
  ];
  const message = create(ListenerSchema, {
    name: id,
    address: {
      address: { case: "socketAddress", value: { address, portSpecifier: { case: "portValue", value: port } } },
    },
    ...listenerSockets(sockets),
    listenerFilters: [...headerFilters(proxyProtocol), ...(firstByteMs === undefined ? [] : [firstByte])],
    ...(firstByteMs === undefined ? headerTimeout(proxyProtocol) : { listenerFiltersTimeout: duration(firstByteMs) }),
    filterChains: chains.map((chain) => ({
      ...chainMatch(chain, proxyProtocol),
      filters: filtersOf(chain),
      ...chain.transport,
    })),
  });
  const refs = new Map(chains.flatMap((chain) => chain.refs.map((ref) => [ref.join(" "), ref] as const)));
  return resourceOf(typeUrls.listener, id, { bytes: encode(ListenerSchema, message), refs: [...refs.values()] });
}

/** Nothing where every connection fits. */
function chainMatch({ serverNames = [], onlyTls = false }: Chain, proxyProtocol: ProxyProtocolIr | null) {
  const senders = sendersMatch(proxyProtocol);
  if (serverNames.length === 0 && !onlyTls) return senders;
  const tls = onlyTls ? { transportProtocol: "tls" } : {};
  return { filterChainMatch: { ...senders.filterChainMatch, ...tls, serverNames: [...serverNames] } };
}

/** What holds for all connections of a Listener. */
export interface Limits {
  /** A connection on which nothing comes for so long is closed; undefined: the protocol may begin on the other side. */
  readonly firstByteMs?: number;
  /** 0: any number. */
  readonly maxConnections: number;
  readonly proxyProtocol: ProxyProtocolIr | null;
}

/** What is done with connections of some server names; none: with all others. */
export interface Chain extends FilterView {
  readonly serverNames?: readonly string[];
  /** What does not begin as TLS does is not for it. */
  readonly onlyTls?: boolean;
  readonly transport?: Transport;
}

/** The last filter of a chain. */
export interface FilterView {
  readonly name: string;
  readonly config: Any;
  readonly refs: readonly Ref[];
}

/**
 * Nothing in the connection manager limits the wait for the first byte but the limit for idle connections. A listener filter that wants
 * to see bytes does: the cheapest one asks whether they begin like TLS, which one byte tells.
 */
const firstByte = {
  name: "envoy.filters.listener.tls_inspector",
  configType: {
    case: "typedConfig" as const,
    value: packBytes(
      "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector",
      encode(EmptySchema, create(EmptySchema)),
    ),
  },
};

/** A filter that answers nothing and closes; its message has no field set. */
export const closeConnection: FilterView = {
  name: "envoy.filters.network.direct_response",
  config: packBytes(
    "envoy.extensions.filters.network.direct_response.v3.Config",
    encode(EmptySchema, create(EmptySchema)),
  ),
  refs: [],
};
