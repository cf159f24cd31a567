/** One Listener per port: an HTTP connection manager with its routes by reference, or a TCP proxy. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type Any, EmptySchema } from "@bufbuild/protobuf/wkt";
import { HttpProtocolOptions_HeadersWithUnderscoresAction as Underscores } from "../../gen/proto/envoy/config/core/v3/protocol_pb.js";
import { ListenerSchema } from "../../gen/proto/envoy/config/listener/v3/listener_pb.js";
import { RouterSchema } from "../../gen/proto/envoy/extensions/filters/http/router/v3/router_pb.js";
import {
  HttpConnectionManager_CodecType as CodecType,
  HttpConnectionManager_PathWithEscapedSlashesAction as EscapedSlashes,
  HttpConnectionManagerSchema,
  type HttpFilter,
  RdsSchema,
  HttpConnectionManager_ServerHeaderTransformation as ServerHeader,
} from "../../gen/proto/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import { TcpProxySchema } from "../../gen/proto/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.js";
import {
  type AccessLogIr,
  clientAuthenticationOf,
  type Http2Use,
  type ListenerTlsIr,
  type PortIr,
  type ProxyProtocolIr,
  type TcpPortIr,
  type TlsServerIr,
} from "../../ir/index.ts";
import type { RenderedResource } from "../target.ts";
import { connectionLoggers, keepingFilters, requestLoggers } from "./accessLog.ts";
import { affinityFilter } from "./affinity.ts";
import { clientFilters } from "./clientAuthentication.ts";
import { connectionFilters } from "./connectionLimit.ts";
import { resending } from "./failover.ts";
import { clientHttp2Options, schemeOfEndpoints } from "./http2.ts";
import { localReplies } from "./localReplies.ts";
import type { Looks } from "./noted.ts";
import { headerFilters, headerTimeout, sendersMatch } from "./proxyProtocol.ts";
import { routeTableName } from "./routeConfiguration.ts";
import { listenerSockets } from "./sockets.ts";
import { notes } from "./source.ts";
import { secretRefs, tlsTransport } from "./tls.ts";
import { adsSource, duration, encode, MAX_HEADERS, pack, packBytes, type Ref, resourceOf, typeUrls } from "./types.ts";

/** 431 above; the other proxies have buffers of this size for the whole head. */
const MAX_REQUEST_HEADERS_KB = 60;
/**
 * More than `CONNECT_TRIES`: Envoy draws an endpoint for each attempt, whether it has been tried or not, until
 * a dead one is left out (outlierDetection.ts).
 */
const TCP_CONNECT_ATTEMPTS = 10;
/** Clusters that do not hash do not ask for it. Here in any case: a Listener that changes would cut its connections. */
const BY_SOURCE = { policySpecifier: { case: "sourceIp" as const, value: {} } };
/** No client has this address: Envoy trusts x-envoy-* headers of "internal" clients, and an empty list would trust loopback. */
const NOBODY = { addressPrefix: "255.255.255.255", prefixLen: 32 };

type ManagerInit = MessageInitShape<typeof HttpConnectionManagerSchema>;

const CODECS = {
  off: { localReplyConfig: localReplies(false) },
  // By ALPN, or by what the client begins with.
  on: { codecType: CodecType.AUTO, http2ProtocolOptions: clientHttp2Options, localReplyConfig: localReplies(true) },
  only: { codecType: CodecType.HTTP2, http2ProtocolOptions: clientHttp2Options, localReplyConfig: localReplies(true) },
} as const satisfies Readonly<Record<Http2Use, ManagerInit>>;

/** Fixed; everything that varies between ports is added to it. */
const MANAGER = {
  codecType: CodecType.HTTP1,
  useRemoteAddress: true,
  // The route table appends the client's address.
  skipXffAppend: true,
  internalAddressConfig: { cidrRanges: [NOBODY] },
  maxRequestHeadersKb: MAX_REQUEST_HEADERS_KB,
  normalizePath: false,
  mergeSlashes: false,
  pathWithEscapedSlashesAction: EscapedSlashes.KEEP_UNCHANGED,
  httpProtocolOptions: { acceptHttp10: true },
  generateRequestId: false,
  preserveExternalRequestId: true,
  serverHeaderTransformation: ServerHeader.PASS_THROUGH,
  ...schemeOfEndpoints,
  // Silence is a rule's own limit.
  streamIdleTimeout: duration(0),
  upgradeConfigs: [{ upgradeType: "websocket" }],
  httpFilters: [
    resending,
    affinityFilter,
    {
      name: "envoy.filters.http.router",
      configType: {
        case: "typedConfig",
        value: pack(RouterSchema, create(RouterSchema, { suppressEnvoyHeaders: true })),
      },
    },
  ],
} satisfies ManagerInit;

interface Socket extends Pick<PortIr, "id" | "address" | "port"> {
  /** `socketsKey`. */
  readonly sockets: string;
}

/** What the Listener of an HTTP port depends on. */
export interface HttpSocket extends Socket, Looks {
  /** JSON of the fleet's access log, and the listener's name in it; both empty: there is none. */
  readonly accessLog: string;
  readonly listener: string;
  readonly headersMs: number;
  readonly keepAliveMs: number;
  /** 0: any number. */
  readonly maxConnections: number;
  readonly http2: Http2Use;
  /** JSON; empty: there is none. */
  readonly proxyProtocol: string;
  /** The same of TLS. */
  readonly tls: string;
}

/** The Listener of an HTTP port; `first` stand before its other filters. */
export function httpListener(socket: HttpSocket, first: readonly HttpFilter[] = []): RenderedResource {
  const limits = {
    firstByteMs: socket.headersMs,
    maxConnections: socket.maxConnections,
    proxyProtocol: socket.proxyProtocol === "" ? null : (JSON.parse(socket.proxyProtocol) as ProxyProtocolIr),
  };
  const tls = socket.tls === "" ? null : (JSON.parse(socket.tls) as ListenerTlsIr);
  const filterOf = (scope: string) => {
    const filters = [...clientFilters(clientAuthenticationOf(tls, scope)), ...first];
    return httpFilter(socket, filters, routeTableName({ id: socket.id, tls }, scope));
  };
  if (tls === null) return renderListener(socket, limits, [filterOf("")]);
  return renderListener(socket, limits, tlsChains(tls, filterOf, socket.headersMs));
}

/** Exact server names before wildcards, whatever their order; a chain that asks for none takes what is left. */
function tlsChains(
  { servers, unknown, rejected, scopes }: ListenerTlsIr,
  filterOf: (scope: string) => FilterView,
  handshakeMs: number,
): readonly Chain[] {
  const chain = (server: TlsServerIr): Chain => {
    const { serverNames, scope } = server;
    const filter = filterOf(scope);
    const ended = { server, clients: clientAuthenticationOf({ scopes }, scope), handshakeMs };
    return { ...filter, refs: [...filter.refs, ...secretRefs(ended)], serverNames, transport: tlsTransport(ended) };
  };
  return [
    ...servers.map(chain),
    ...(rejected.length === 0 ? [] : [{ ...closeConnection, serverNames: rejected }]),
    ...(unknown === null ? [] : [chain(unknown)]),
  ];
}

/** A TCP port, and what is written down of its connections. */
export interface LoggedTcpPort {
  readonly port: TcpPortIr;
  readonly accessLog: AccessLogIr | null;
  readonly sockets: string;
}

/** The Listener of a TCP port. */
export function tcpListener({ port, accessLog, sockets }: LoggedTcpPort): RenderedResource {
  const { id, address, connectionLimit, proxyProtocol } = port;
  const limits = { maxConnections: connectionLimit.max ?? 0, proxyProtocol };
  return renderListener({ id, address, port: port.port, sockets }, limits, [tcpFilter(port, accessLog)]);
}

function renderListener(
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
      ...chainMatch(chain.serverNames ?? [], proxyProtocol),
      filters: filtersOf(chain),
      ...chain.transport,
    })),
  });
  const refs = new Map(chains.flatMap((chain) => chain.refs.map((ref) => [ref.join(" "), ref] as const)));
  return resourceOf(typeUrls.listener, id, { bytes: encode(ListenerSchema, message), refs: [...refs.values()] });
}

/** Nothing where every connection fits. */
function chainMatch(serverNames: readonly string[], proxyProtocol: ProxyProtocolIr | null) {
  const senders = sendersMatch(proxyProtocol);
  if (serverNames.length === 0) return senders;
  return { filterChainMatch: { ...senders.filterChainMatch, serverNames: [...serverNames] } };
}

interface Limits {
  /** A connection on which nothing comes for so long is closed; undefined: the protocol may begin on the other side. */
  readonly firstByteMs?: number;
  /** 0: any number. */
  readonly maxConnections: number;
  readonly proxyProtocol: ProxyProtocolIr | null;
}

/** What is done with connections of some server names; none: with all others. */
interface Chain extends FilterView {
  readonly serverNames?: readonly string[];
  readonly transport?: ReturnType<typeof tlsTransport>;
}

interface FilterView {
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

function httpFilter(
  { id, headersMs, keepAliveMs, accessLog, listener, http2, ...looks }: HttpSocket,
  first: readonly HttpFilter[],
  routeTable: string,
): FilterView {
  const log = accessLog === "" ? null : (JSON.parse(accessLog) as AccessLogIr);
  const manager = create(HttpConnectionManagerSchema, {
    ...MANAGER,
    ...CODECS[http2],
    ...(log === null ? {} : { accessLog: [...requestLoggers(log, listener)] }),
    httpFilters: [...first, ...(log === null ? [] : keepingFilters(log)), ...MANAGER.httpFilters],
    statPrefix: id,
    commonHttpProtocolOptions: {
      headersWithUnderscoresAction: Underscores.DROP_HEADER,
      idleTimeout: duration(keepAliveMs),
      maxHeadersCount: MAX_HEADERS,
    },
    requestHeadersTimeout: duration(headersMs),
    // Or else an idle connection would be kept for 5 s more.
    drainTimeout: duration(0),
    earlyHeaderMutationExtensions: [...notes(looks)],
    routeSpecifier: {
      case: "rds",
      value: create(RdsSchema, { routeConfigName: routeTable, configSource: adsSource() }),
    },
  });
  return {
    name: "envoy.filters.network.http_connection_manager",
    config: pack(HttpConnectionManagerSchema, manager),
    refs: [[typeUrls.routes, routeTable]],
  };
}

function tcpFilter(port: TcpPortIr, accessLog: AccessLogIr | null): FilterView {
  const { split } = port;
  if (split.length === 0) return closeConnection;
  const [first] = split;
  const proxy = create(TcpProxySchema, {
    statPrefix: port.id,
    clusterSpecifier:
      split.length === 1
        ? { case: "cluster", value: (first as { cluster: string }).cluster }
        : {
            case: "weightedClusters",
            value: { clusters: split.map(({ cluster, weight }) => ({ name: cluster, weight })) },
          },
    idleTimeout: duration(port.idleTimeoutMs),
    maxConnectAttempts: TCP_CONNECT_ATTEMPTS,
    hashPolicy: [BY_SOURCE],
    accessLog: accessLog === null ? [] : [...connectionLoggers(accessLog, port.listeners[0] ?? port.id)],
  });
  return {
    name: "envoy.filters.network.tcp_proxy",
    config: pack(TcpProxySchema, proxy),
    refs: split.map(({ cluster }) => [typeUrls.cluster, cluster] as const),
  };
}

/** A filter that answers nothing and closes; its message has no field set. */
const closeConnection: FilterView = {
  name: "envoy.filters.network.direct_response",
  config: packBytes(
    "envoy.extensions.filters.network.direct_response.v3.Config",
    encode(EmptySchema, create(EmptySchema)),
  ),
  refs: [],
};
