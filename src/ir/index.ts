/**
 * The intermediate representation: what one fleet has to do, in words that no proxy and no API owns.
 *
 * Input: nothing; these are types of plain, immutable data (decision 13) that survive a JSON round trip. Output: the
 * vocabulary between the compiler and the targets. Guarantee: all defaults are filled in, all names resolve, all lists stand in
 * canonical order (equal models give equal IR). A node whose inputs did not change is the same object as in the last
 * compilation, so a target may cache by identity. No logic here beyond names of things, and no import of model or targets.
 */
import type { Kind } from "../gen/kinds.ts";
import type { AccessLogIr } from "./accessLog.ts";
import type { SplitIr } from "./action.ts";
import type { AuthorityIr, CertificateIr } from "./certificate.ts";
import type { ClientTimeoutsIr } from "./clientTimeouts.ts";
import type { ClusterIr } from "./cluster.ts";
import type { ConnectionLimitIr } from "./connectionLimit.ts";
import type { GeoTableIr } from "./geoTable.ts";
import type { Http2Use } from "./http2.ts";
import type { Http3Ir } from "./http3.ts";
import type { PathGroupIr } from "./pathGroup.ts";
import type { ProcessIr } from "./process.ts";
import type { ProxyProtocolIr } from "./proxyProtocol.ts";
import type { RuleIr } from "./rule.ts";
import type { ListenerTlsIr } from "./tls.ts";
import type { TlsRoutesIr } from "./tlsRoute.ts";
import type { UdpPortIr } from "./udpPort.ts";

export type { LeafPath } from "../gen/leafPaths.ts";
export * from "./accessLog.ts";
export type * from "./action.ts";
export type * from "./affinity.ts";
export type * from "./balance.ts";
export type * from "./certificate.ts";
export * from "./clientTimeouts.ts";
export type * from "./cluster.ts";
export type * from "./clusterTls.ts";
export * from "./condition.ts";
export * from "./connectionLimit.ts";
export * from "./drainPlan.ts";
export * from "./ejection.ts";
export * from "./endpoint.ts";
export * from "./failover.ts";
export type * from "./geoTable.ts";
export * from "./grpc.ts";
export * from "./healthCheck.ts";
export * from "./http2.ts";
export * from "./http3.ts";
export * from "./innerSocket.ts";
export type * from "./limits.ts";
export type * from "./outlierDetection.ts";
export type * from "./pathGroup.ts";
export type * from "./policies/headers.ts";
export * from "./policies/index.ts";
export * from "./policies/retry.ts";
export type * from "./policies/rewrite.ts";
export type * from "./policies/timeouts.ts";
export type * from "./pool.ts";
export * from "./preferLocal.ts";
export * from "./probePlan.ts";
export * from "./process.ts";
export type * from "./protocol.ts";
export * from "./proxyProtocol.ts";
export * from "./redirectToHttps.ts";
export * from "./requestPolicy.ts";
export type * from "./rule.ts";
export type * from "./slowStart.ts";
export type * from "./sockets.ts";
export * from "./tls.ts";
export * from "./tlsRoute.ts";
export type * from "./udpPort.ts";
export * from "./via.ts";

/** The proxies that a fleet can consist of; the values of `fleet.proxy`. */
export type ProxyKind = "envoy" | "nginx" | "haproxy";

/** Everything one fleet has to do. */
export interface FleetIr {
  readonly name: string;
  readonly proxy: ProxyKind;
  /** Oldest proxy version that must understand the output, as `1.22`; null: the target's default. */
  readonly version: string | null;
  /** Who probes where the proxy cannot; null: nobody was named. */
  readonly healthChecks: "external" | "agent" | null;
  /** Null: nothing is written down of requests. */
  readonly accessLog: AccessLogIr | null;
  readonly process: ProcessIr;
  /** Ascending by address, then port. At most one per address and port, and one of UDP beside it. */
  readonly ports: readonly PortIr[];
  /** Every cluster that some port can reach, ascending by name. */
  readonly clusters: readonly ClusterIr[];
  /** Those that its ports or clusters name, ascending by name. */
  readonly certificates: readonly CertificateIr[];
  readonly authorities: readonly AuthorityIr[];
  /** The documents behind this IR, for the capability gate and for messages. Ascending by kind, then name. */
  readonly sources: readonly SourceIr[];
}

/** One socket; `kind` tells the protocol that it speaks. */
export type PortIr = HttpPortIr | TcpPortIr | TlsPortIr | UdpPortIr;

/** One socket that speaks HTTP. */
export interface HttpPortIr {
  readonly kind: "http";
  /** `http-<address>-<port>`, `https-` inside TLS, with `[^a-z0-9]` of the address written `-`; unique in the fleet. */
  readonly id: string;
  readonly address: string;
  readonly port: number;
  /** Names of the listeners that share this socket, ascending; the first names what is written for it. */
  readonly listeners: readonly string[];
  /** Null: in the clear. */
  readonly tls: ListenerTlsIr | null;
  /** Connections whose bytes are passed on, of TLS listeners that share the socket; null: there are none. */
  readonly passed: TlsRoutesIr | null;
  readonly clientTimeouts: ClientTimeoutsIr;
  readonly connectionLimit: ConnectionLimitIr;
  readonly http2: Http2Use;
  /** Null: over TCP only. */
  readonly http3: Http3Ir | null;
  /** Those that its rules look at, ascending by name. */
  readonly geoTables: readonly GeoTableIr[];
  /** Null: clients come themselves. */
  readonly proxyProtocol: ProxyProtocolIr | null;
  /** What it calls itself in Via of what it forwards; a request that has this already is answered 508. Null: it does neither. */
  readonly via: string | null;
  /** Ascending by first hostname. Each hostname stands in one of them only. No entry serves a request: 404. */
  readonly virtualHosts: readonly VirtualHostIr[];
}

/** One socket that passes bytes. */
export interface TcpPortIr {
  readonly kind: "tcp";
  /** `tcp-<address>-<port>`, as above. */
  readonly id: string;
  readonly address: string;
  readonly port: number;
  /** The one listener of this socket. */
  readonly listeners: readonly string[];
  /** Each connection goes to one of these; empty: the connection is closed. */
  readonly split: SplitIr;
  /** A connection with no byte in either direction for this long is closed. */
  readonly idleTimeoutMs: number;
  readonly connectionLimit: ConnectionLimitIr;
  /** Null: clients come themselves. */
  readonly proxyProtocol: ProxyProtocolIr | null;
}

/** One socket that passes bytes by the server name that clients ask for. */
export interface TlsPortIr extends TlsRoutesIr {
  readonly kind: "tls";
  /** `tls-<address>-<port>`, as above. */
  readonly id: string;
  readonly address: string;
  readonly port: number;
  /** Names of the listeners that share this socket, ascending; the first names what is written for it. */
  readonly listeners: readonly string[];
  readonly connectionLimit: ConnectionLimitIr;
  /** Null: clients come themselves. */
  readonly proxyProtocol: ProxyProtocolIr | null;
}

/** Hosts that have the same rules. The choice of host is exclusive. */
export interface VirtualHostIr {
  /** At least one, ascending. Lower case: `a.example.com`, `*.example.com` (any depth, not the apex) or `*` (any host). */
  readonly hostnames: readonly string[];
  /** In precedence order: the first that matches takes the request. May be empty: 404. */
  readonly rules: readonly RuleIr[];
  /** The same rules arranged by path for proxies that look up instead of scan; null when nobody asked (`withPathGroups`). */
  readonly groups: readonly PathGroupIr[] | null;
}

/** Any JSON value (RFC 8259), read-only. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** A document of the user's that has a part in this fleet. Only the capability gate reads `body`. */
export interface SourceIr {
  readonly kind: Kind;
  readonly name: string;
  readonly body: JsonValue;
}
