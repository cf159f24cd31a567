/** The Listener of an HTTP port: a connection manager with its routes by reference. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { HttpProtocolOptions_HeadersWithUnderscoresAction as Underscores } from "../../gen/proto/envoy/config/core/v3/protocol_pb.js";
import { RouterSchema } from "../../gen/proto/envoy/extensions/filters/http/router/v3/router_pb.js";
import {
  HttpConnectionManager_CodecType as CodecType,
  HttpConnectionManager_PathWithEscapedSlashesAction as EscapedSlashes,
  HttpConnectionManagerSchema,
  type HttpFilter,
  RdsSchema,
  HttpConnectionManager_ServerHeaderTransformation as ServerHeader,
} from "../../gen/proto/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import {
  type AccessLogIr,
  type ClientAuthenticationIr,
  clientAuthenticationOf,
  type Http2Use,
  type ListenerTlsIr,
  type ProxyProtocolIr,
  type TlsServerIr,
} from "../../ir/index.ts";
import type { RenderedResource } from "../target.ts";
import { keepingFilters, requestLoggers } from "./accessLog.ts";
import { affinityFilter } from "./affinity.ts";
import { type PassedConnections, passedChains } from "./byteListener.ts";
import { clientFilters } from "./clientAuthentication.ts";
import { resending } from "./failover.ts";
import { type Chain, closeConnection, type FilterView, renderListener, type Socket } from "./filterChains.ts";
import { clientHttp2Options, schemeOfEndpoints } from "./http2.ts";
import { localReplies } from "./localReplies.ts";
import type { Looks } from "./noted.ts";
import { routeTableName } from "./routeConfiguration.ts";
import { notes } from "./source.ts";
import { secretRefs, tlsTransport } from "./tls.ts";
import { adsSource, duration, MAX_HEADERS, pack, typeUrls } from "./types.ts";

/** 431 above; the other proxies have buffers of this size for the whole head. */
const MAX_REQUEST_HEADERS_KB = 60;
/** No client has this address: Envoy trusts x-envoy-* headers of "internal" clients, and an empty list would trust loopback. */
const NOBODY = { addressPrefix: "255.255.255.255", prefixLen: 32 };

type ManagerInit = MessageInitShape<typeof HttpConnectionManagerSchema>;
/** What is spoken with clients. */
type Codec = Partial<
  Pick<ManagerInit, "codecType" | "http2ProtocolOptions" | "http3ProtocolOptions" | "localReplyConfig">
>;

const CODECS = {
  off: { localReplyConfig: localReplies(false) },
  // By ALPN, or by what the client begins with.
  on: { codecType: CodecType.AUTO, http2ProtocolOptions: clientHttp2Options, localReplyConfig: localReplies(true) },
  only: { codecType: CodecType.HTTP2, http2ProtocolOptions: clientHttp2Options, localReplyConfig: localReplies(true) },
} as const satisfies Readonly<Record<Http2Use, Codec>>;

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
  /** The same of TLS, and of connections that are passed on. */
  readonly tls: string;
  readonly passed: string;
}

/** The Listener of an HTTP port; `first` stand before its other filters. */
export function httpListener(socket: HttpSocket, first: readonly HttpFilter[] = []): RenderedResource {
  const limits = {
    firstByteMs: socket.headersMs,
    maxConnections: socket.maxConnections,
    proxyProtocol: socket.proxyProtocol === "" ? null : (JSON.parse(socket.proxyProtocol) as ProxyProtocolIr),
  };
  const tls = tlsOf(socket);
  const filterOf = (scope: string) => {
    const clients = clientAuthenticationOf(tls, scope);
    const filters = [...clientFilters(clients), ...first];
    return httpFilter(socket, { clients, first: filters, tls, scope, codec: CODECS[socket.http2] });
  };
  if (tls === null) return renderListener(socket, limits, [filterOf("")]);
  const passed = passedOf(socket);
  const chains = passed === null ? [] : passedChains({ ...passed, id: socket.id }, socket.headersMs);
  const own = [...tlsChains(tls, filterOf, socket.headersMs), ...chains];
  // Envoy wants one, also where no certificate is for a name of the listener.
  return renderListener(socket, limits, own.length === 0 ? [closeConnection] : own);
}

/** TLS of the port; null: it is in the clear. */
export function tlsOf({ tls }: Pick<HttpSocket, "tls">): ListenerTlsIr | null {
  return tls === "" ? null : (JSON.parse(tls) as ListenerTlsIr);
}

/** Connections that are passed on; null: there are none. */
export function passedOf({ passed }: Pick<HttpSocket, "passed">): PassedConnections | null {
  return passed === "" ? null : (JSON.parse(passed) as PassedConnections);
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

/** What is done with the requests of one of a port's listeners. */
export interface Requests {
  readonly clients: ClientAuthenticationIr | null;
  /** Before the other filters. */
  readonly first: readonly HttpFilter[];
  readonly tls: ListenerTlsIr | null;
  /** The listener's hostname; inside TLS only. */
  readonly scope: string;
  readonly codec: Codec;
}

/** The connection manager. */
export function httpFilter(
  { id, headersMs, keepAliveMs, accessLog, listener, ...looks }: HttpSocket,
  { clients, first, tls, scope, codec }: Requests,
): FilterView {
  const routeTable = routeTableName({ id, tls }, scope);
  const log = accessLog === "" ? null : (JSON.parse(accessLog) as AccessLogIr);
  const manager = create(HttpConnectionManagerSchema, {
    ...MANAGER,
    ...codec,
    ...(log === null ? {} : { accessLog: [...requestLoggers(log, listener)] }),
    httpFilters: [...first, ...(log === null ? [] : keepingFilters(log, clients)), ...MANAGER.httpFilters],
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
