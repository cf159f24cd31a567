/** Listeners that pass bytes: a TCP proxy, or one for each route of TLS. */
import { create } from "@bufbuild/protobuf";
import { TcpProxySchema } from "../../gen/proto/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.js";
import {
  type AccessLogIr,
  HELLO_TIMEOUT_MS,
  type PortIr,
  type SeenTls,
  type TcpPortIr,
  type TlsPortIr,
  type TlsRouteIr,
  type TlsRoutesIr,
} from "../../ir/index.ts";
import type { RenderedResource } from "../target.ts";
import { connectionLoggers } from "./accessLog.ts";
import { type Chain, closeConnection, type FilterView, renderListener } from "./filterChains.ts";
import { secretRefs, tlsTransport } from "./tls.ts";
import { duration, pack, typeUrls } from "./types.ts";

/**
 * More than `CONNECT_TRIES`: Envoy draws an endpoint for each attempt, whether it has been tried or not, until
 * a dead one is left out (outlierDetection.ts).
 */
const TCP_CONNECT_ATTEMPTS = 10;
/** Clusters that do not hash do not ask for it. Here in any case: a Listener that changes would cut its connections. */
const BY_SOURCE = { policySpecifier: { case: "sourceIp" as const, value: {} } };

/** A port that passes bytes, and what is written down of its connections. */
export interface LoggedPort<P extends TcpPortIr | TlsPortIr> {
  readonly port: P;
  readonly accessLog: AccessLogIr | null;
  readonly sockets: string;
}

/** The Listener of a TCP port. */
export function tcpListener({ port, accessLog, sockets }: LoggedPort<TcpPortIr>): RenderedResource {
  const { id, address, connectionLimit, proxyProtocol } = port;
  const limits = { maxConnections: connectionLimit.max ?? 0, proxyProtocol };
  return renderListener({ id, address, port: port.port, sockets }, limits, [
    tcpFilter(port, port, { accessLog, seen: "none" }),
  ]);
}

/** The Listener of a TLS port. */
export function tlsListener({ port, accessLog, sockets }: LoggedPort<TlsPortIr>): RenderedResource {
  const { id, address, connectionLimit, proxyProtocol } = port;
  const limits = { firstByteMs: HELLO_TIMEOUT_MS, maxConnections: connectionLimit.max ?? 0, proxyProtocol };
  const chains = passedChains({ ...port, accessLog }, HELLO_TIMEOUT_MS);
  // Envoy wants one.
  const own = chains.length === 0 ? [closeConnection] : chains;
  return renderListener({ id, address, port: port.port, sockets }, limits, own);
}

/** Connections of a socket that are passed on, and what is written down of them. */
export interface PassedConnections extends TlsRoutesIr, Pick<PortIr, "listeners"> {
  readonly accessLog: AccessLogIr | null;
}

/** What becomes of connections that are told apart by server name. */
export function passedChains(passed: PassedConnections & Pick<PortIr, "id">, helloMs: number): readonly Chain[] {
  const { routes, refused, accessLog } = passed;
  const chains = routes.flatMap((route) =>
    routeChains(
      route,
      tcpFilter(passed, route, { accessLog, seen: route.terminate === null ? "name" : "all" }),
      helloMs,
    ),
  );
  return refused.length === 0 ? chains : [...chains, { ...closeConnection, serverNames: refused }];
}

const ANY = "*";

/** A chain for names, and one that asks for none: it takes what is left, if it is TLS. */
function routeChains(route: TlsRouteIr, filter: FilterView, helloMs: number): readonly Chain[] {
  const { serverNames, terminate, clientAuthentication: clients } = route;
  const ended = terminate === null ? null : { server: terminate, clients, handshakeMs: helloMs };
  const secrets = ended === null ? [] : secretRefs(ended);
  const transport = ended === null ? {} : { transport: tlsTransport(ended) };
  const chain: Chain = { ...filter, refs: [...filter.refs, ...secrets], ...transport };
  const named = serverNames.filter((name) => name !== ANY);
  return [
    ...(named.length === 0 ? [] : [{ ...chain, serverNames: named }]),
    ...(named.length === serverNames.length ? [] : [{ ...chain, onlyTls: true }]),
  ];
}

function tcpFilter(
  { id, listeners: [listener = id] }: Pick<PortIr, "id" | "listeners">,
  { split, idleTimeoutMs }: Pick<TlsRouteIr, "split" | "idleTimeoutMs">,
  { accessLog, seen }: { readonly accessLog: AccessLogIr | null; readonly seen: SeenTls },
): FilterView {
  if (split.length === 0) return closeConnection;
  const [first] = split;
  const proxy = create(TcpProxySchema, {
    statPrefix: id,
    clusterSpecifier:
      split.length === 1
        ? { case: "cluster", value: (first as { cluster: string }).cluster }
        : {
            case: "weightedClusters",
            value: { clusters: split.map(({ cluster, weight }) => ({ name: cluster, weight })) },
          },
    idleTimeout: duration(idleTimeoutMs),
    maxConnectAttempts: TCP_CONNECT_ATTEMPTS,
    hashPolicy: [BY_SOURCE],
    accessLog: accessLog === null ? [] : [...connectionLoggers(accessLog, listener, seen)],
  });
  return {
    name: "envoy.filters.network.tcp_proxy",
    config: pack(TcpProxySchema, proxy),
    refs: split.map(({ cluster }) => [typeUrls.cluster, cluster] as const),
  };
}
