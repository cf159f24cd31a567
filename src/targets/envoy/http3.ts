/**
 * HTTP/3: a second Listener of a port inside TLS, over UDP at the same address and port. It has the same route tables and certificates, and
 * filter chains by server name like the first one.
 */
import { create } from "@bufbuild/protobuf";
import { SocketAddress_Protocol as Protocol } from "../../gen/proto/envoy/config/core/v3/address_pb.js";
import { ListenerSchema } from "../../gen/proto/envoy/config/listener/v3/listener_pb.js";
import {
  HttpConnectionManager_CodecType as CodecType,
  type HttpFilter,
} from "../../gen/proto/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import { QuicDownstreamTransportSchema } from "../../gen/proto/envoy/extensions/transport_sockets/quic/v3/quic_transport_pb.js";
import {
  HELLO_TIMEOUT_MS,
  HTTP2_CONNECTION_WINDOW,
  HTTP2_STREAM_WINDOW,
  HTTP2_STREAMS,
  type ListenerTlsIr,
  type TlsServerIr,
} from "../../ir/index.ts";
import type { RenderedResource } from "../target.ts";
import type { PassedConnections } from "./byteListener.ts";
import type { Chain, FilterView } from "./filterChains.ts";
import { type HttpSocket, httpFilter, passedOf, tlsOf } from "./listener.ts";
import { localReplies } from "./localReplies.ts";
import { secretRefs, type Transport, tlsContext } from "./tls.ts";
import { duration, encode, pack, resourceOf, typeUrls } from "./types.ts";

/** Of ALPN. */
const HTTP3 = "h3";
/** Silence is for keepAliveTimeout and the rules' limits, which QUIC's own must not undercut: as long as the longest of these can be. */
const IDLE_MS = 24 * 60 * 60 * 1000;
/** Chains of QUIC cannot just close a connection. One that is for TLS over TCP takes none, and without a chain there is no handshake. */
const NEVER = { transportProtocol: "tls" } as const;

/**
 * The same for every model: when anything but its filter chains changes, Envoy opens such a Listener anew, and loses its connections
 * without a word. Of a chain that changes they drain. Limits of a connection are those of HTTP/2.
 */
const QUIC = {
  quicProtocolOptions: {
    maxConcurrentStreams: HTTP2_STREAMS,
    initialStreamWindowSize: HTTP2_STREAM_WINDOW,
    initialConnectionWindowSize: HTTP2_CONNECTION_WINDOW,
  },
  idleTimeout: duration(IDLE_MS),
  cryptoHandshakeTimeout: duration(HELLO_TIMEOUT_MS),
} as const;

const CODEC = {
  codecType: CodecType.HTTP3,
  // One malformed request is one request's error, as over HTTP/2.
  http3ProtocolOptions: { overrideStreamErrorOnInvalidHttpMessage: true },
  localReplyConfig: localReplies(true),
} as const;

/** The socket of HTTP/3 beside a port's own. */
export interface QuicSocket extends HttpSocket {
  /** The name of its Listener. */
  readonly quicId: string;
}

/** The Listener; `first` stand before its other filters. Null: no certificate is for a name of its listeners, and Envoy wants a chain. */
export function quicListener(socket: QuicSocket, first: readonly HttpFilter[] = []): RenderedResource | null {
  const { quicId, address, port } = socket;
  const tls = tlsOf(socket);
  if (tls === null) throw new Error(`${quicId} is not inside TLS: the model's rules did not run`);
  const filterOf = (scope: string) => httpFilter(socket, { clients: null, first, tls, scope, codec: CODEC });
  const chains = quicChains(tls, passedOf(socket), filterOf);
  if (chains.length === 0) return null;
  const portSpecifier = { case: "portValue", value: port } as const;
  const message = create(ListenerSchema, {
    name: quicId,
    address: { address: { case: "socketAddress", value: { protocol: Protocol.UDP, address, portSpecifier } } },
    udpListenerConfig: { quicOptions: QUIC },
    filterChains: chains.map(({ serverNames = [], isNever, name, config, transport }) => ({
      ...(serverNames.length === 0
        ? {}
        : { filterChainMatch: { serverNames: [...serverNames], ...(isNever === true ? NEVER : {}) } }),
      filters: [{ name, configType: { case: "typedConfig" as const, value: config } }],
      ...transport,
    })),
  });
  const refs = new Map(chains.flatMap((chain) => chain.refs.map((ref) => [ref.join(" "), ref] as const)));
  return resourceOf(typeUrls.listener, quicId, { bytes: encode(ListenerSchema, message), refs: [...refs.values()] });
}

interface QuicChain extends Chain {
  /** For names that are served over TCP only, or not at all, though a wildcard of another chain covers them. */
  readonly isNever?: boolean;
}

function quicChains(
  { servers, unknown, rejected }: ListenerTlsIr,
  passed: PassedConnections | null,
  filterOf: (scope: string) => FilterView,
): readonly QuicChain[] {
  const chain = (server: TlsServerIr): QuicChain => {
    const filter = filterOf(server.scope);
    const refs = [...filter.refs, ...secretRefs({ server, clients: null, handshakeMs: 0 })];
    return { ...filter, refs, serverNames: server.serverNames, transport: quicTransport(server) };
  };
  const named = servers.map(chain);
  const others = unknown === null ? [] : [chain(unknown)];
  const [some] = [...named, ...others];
  const passedNames =
    passed === null ? [] : [...passed.routes.flatMap((route) => route.serverNames), ...passed.refused];
  const never = [...rejected, ...passedNames.filter((name) => name !== "*")];
  if (some === undefined || never.length === 0) return [...named, ...others];
  return [...named, { ...some, serverNames: never, isNever: true }, ...others];
}

/** QUIC has TLS 1.3 in it. Nothing is taken before the handshake is done, as over TCP. */
function quicTransport(server: TlsServerIr): Transport {
  const ofQuic = { ...server, minVersion: "1.3", maxVersion: "1.3", cipherSuites: [], alpn: [HTTP3] } as const;
  const transport = create(QuicDownstreamTransportSchema, {
    downstreamTlsContext: tlsContext({ server: ofQuic, clients: null }),
    enableEarlyData: false,
  });
  return {
    transportSocket: {
      name: "envoy.transport_sockets.quic",
      configType: { case: "typedConfig", value: pack(QuicDownstreamTransportSchema, transport) },
    },
  };
}
