/** What the templates of `templates/nginx/` are given: one type per template. Every text in them is quoted. */
import type { Quoted } from "../../util/templates.ts";
import type { CommonView, ServerPartsView } from "./commonViews.ts";
import type { GrpcViews } from "./grpcViews.ts";
import type { HashedChoiceView, JumpBelowView, TargetView } from "./jumpViews.ts";
import type {
  FullPathView,
  GeoTableView,
  GeoView,
  Http2Views,
  RequestFieldsView,
  ResponseHeadersView,
  RetryView,
  RewriteView,
  TextsView,
  TimeoutsView,
} from "./policyViews.ts";
import type { ProcessView } from "./process.ts";
import type {
  Comment,
  Condition,
  Literal,
  Location,
  LogLine,
  MapEntries,
  Param,
  Regex,
  Variable,
  Word,
} from "./quote.ts";
import type {
  ProxyProtocolView,
  StreamForwardView,
  TcpServerView,
  TlsServersView,
  TlsServerView,
  UdpServerView,
} from "./streamViews.ts";
import type { EndpointTlsView, NamedServerView, TlsScopesView, TlsView } from "./tlsViews.ts";
import type { UpstreamView } from "./upstream/views.ts";

/** Text that one of our templates rendered. */
export type Block = Quoted<"block">;

/** The view that each template takes. */
export interface Views extends GrpcViews, Http2Views {
  readonly nginx: ConfigurationView;
  readonly common: CommonView;
  readonly serverParts: ServerPartsView;
  readonly proxyHeaders: Readonly<Record<never, never>>;
  readonly affinity: { readonly cluster: Param | null; readonly cookie: Variable };
  readonly clientTimeout: { readonly directive: Word; readonly time: Word };
  readonly limit: { readonly zone: Word; readonly max: Word };
  readonly tls: TlsView;
  readonly tlsScopes: TlsScopesView;
  readonly misdirected: Views["viaGuard"];
  readonly viaGuard: { readonly condition: Condition; readonly status: Word; readonly body: Param };
  readonly ownLimit: { readonly zone: Word; readonly max: Word };
  readonly limitZone: { readonly key: Param; readonly zone: Word };
  readonly upstream: UpstreamView;
  readonly map: MapView;
  readonly split: SplitView;
  readonly listener: ListenerView;
  readonly server: ServerView;
  readonly sharedServer: SharedServerView;
  readonly site: SiteView;
  readonly locations: LocationsView;
  readonly body: BodyView;
  readonly choice: CasesView;
  readonly hashedChoice: HashedChoiceView;
  readonly jump: TargetView;
  readonly searchedJump: TargetView;
  readonly jumpBelow: JumpBelowView;
  readonly notFound: Readonly<Record<never, never>>;
  readonly unavailable: Readonly<Record<never, never>>;
  readonly forward: TargetView;
  readonly connectTimeout: { readonly module: Word; readonly timeout: Word };
  readonly endpointTlsInclude: { readonly path: Word };
  readonly endpointTls: EndpointTlsView;
  /** Requests whose path nginx would write anew go to another location; so do those for a WebSocket. */
  readonly respelled: { readonly jump: Block };
  readonly webSocket: { readonly jump: Block };
  /** And those that are sent once. */
  readonly once: { readonly sentOnce: Variable; readonly jump: Block };
  readonly redirect: RedirectView;
  readonly respondType: { readonly contentType: Literal };
  readonly respond: RespondView;
  readonly texts: TextsView;
  readonly tcpServer: TcpServerView;
  readonly streamForward: StreamForwardView;
  readonly tlsServers: TlsServersView;
  readonly tlsServer: TlsServerView;
  readonly udpServer: UdpServerView;
  readonly proxyProtocol: ProxyProtocolView;
  /** What a location notes for the access log. */
  readonly logged: { readonly route: Param; readonly rule: Param; readonly cluster: Param | null };
  readonly logFormat: { readonly name: Word; readonly line: LogLine };
  readonly accessLog: { readonly path: Word; readonly name: Word; readonly condition: Variable | null };
  /** Null: every line is written. */
  readonly accessLogMaps: { readonly maps: readonly Block[]; readonly sampled: Word | null };
  readonly "policies/rewrite": RewriteView;
  readonly "policies/fullPath": FullPathView;
  readonly geo: GeoView;
  readonly geoTable: GeoTableView;
  readonly requestFields: RequestFieldsView;
  readonly gatedFields: RequestFieldsView & {
    readonly refusesNames: boolean;
    readonly tests: readonly { readonly condition: Condition }[];
  };
  readonly "policies/timeouts": TimeoutsView;
  readonly "policies/retry": RetryView;
  readonly "policies/responseHeaders": ResponseHeadersView;
}

/** `nginx.hbs`: what is this fleet's, and which files belong to it. */
export interface ConfigurationView extends ProcessView {
  /** Endpoints are probed by the kernel. */
  readonly keepalive: boolean;
  readonly http: HttpView;
  /** Null without TCP and UDP listeners: nginx may have been built without the stream module. */
  readonly stream: {
    /** Groups of the key exchange; null: no TLS ends there. */
    readonly tlsGroups: Word | null;
    readonly upstreams: readonly Block[];
    /** The file of further upstream groups; null: there are none. */
    readonly probed: Word | null;
    readonly accessLog: boolean;
  } | null;
}

export interface HttpView {
  /** Groups of the key exchange; null: there is no TLS. */
  readonly tlsGroups: Word | null;
  /** Clients are asked for certificates. */
  readonly asksClients: boolean;
  /** There is an access log of requests. */
  readonly accessLog: boolean;
  /** Calls of gRPC come. */
  readonly calls: boolean;
  /** How long a client's idle connection outlives a reload; null: nginx is too old for that. */
  readonly keepaliveMin: Word | null;
  /** There are geo tables. */
  readonly hasGeoTables: boolean;
  readonly maps: readonly Block[];
  /** Maps for clusters that keep their clients; null: none does. */
  readonly affinity: Block | null;
  readonly upstreams: readonly Block[];
  /** The file of further upstream groups; null: there are none. */
  readonly probed: Word | null;
  /** There are HTTP listeners. */
  readonly hasListeners: boolean;
}

/** `map.hbs`. */
export interface MapView {
  readonly comment: Comment | null;
  readonly source: Param;
  readonly name: Variable;
  readonly entries: MapEntries;
  readonly fallback: Param;
}

/** `split.hbs`: `split_clients`. */
export interface SplitView {
  readonly comment: Comment;
  readonly seed: Param;
  readonly name: Variable;
  /** The last one's share is `*`. */
  readonly shares: readonly { readonly share: Word; readonly target: Word }[];
}

/** `listener.hbs`: a file. */
export interface ListenerView {
  readonly limitZones: Block | null;
  /** Who sends PROXY headers; null: anybody, or nobody. */
  readonly senders: Block | null;
  readonly proxyProtocol: boolean;
  /** What is sent in Via, and how it is known again. */
  readonly viaMap: Block | null;
  readonly viaGuard: Block | null;
  readonly comment: Comment;
  /** What servers write down; null: nothing. */
  readonly logFormat: Block | null;
  readonly parts: readonly Block[];
  readonly clientTimeouts: Block | null;
  readonly accessLog: Block | null;
  /** Whose connection it is; null: one listener's. */
  readonly tlsScopes: Block | null;
  readonly listen: Word;
  /** The same over UDP; null: no HTTP/3. */
  readonly quic: Word | null;
  readonly isTls: boolean;
  /** Calls of gRPC come. */
  readonly calls: boolean;
  /** Servers of names that no host has: 404. */
  readonly otherHosts: readonly NamedServerView[];
}

/** What every server has. */
interface AnyServerView {
  readonly maps: Block;
  readonly listen: Word;
  /** The same over UDP; null: no HTTP/3. */
  readonly quic: Word | null;
  /** Connections begin with a PROXY header. */
  readonly proxyProtocol: boolean;
  readonly isTls: boolean;
  readonly clientTimeouts: Block | null;
  readonly accessLog: Block | null;
  /** Calls of gRPC come. */
  readonly calls: boolean;
  readonly viaGuard: Block | null;
  /** For fields that its rules look at; null: they look at none. */
  readonly gated: Block | null;
  /** Fields that its answers may have. */
  readonly answerFields: readonly { readonly name: Word; readonly value: Variable }[];
  readonly locations: Block;
}

/** `server.hbs`: the hosts that have the same rules. */
export interface ServerView extends AnyServerView, NamedServerView {
  /** Its locations match the path as it was sent, not decoded. */
  readonly isRaw: boolean;
}

/** `sharedServer.hbs`: one server for all hosts of a socket. */
export interface SharedServerView extends AnyServerView, Pick<NamedServerView, "options" | "tls" | "misdirected"> {
  readonly site: Variable;
  readonly sites: MapEntries;
  readonly anyHost: Param;
}

/** `site.hbs`: the hosts that have the same rules, in a shared server. */
export interface SiteView {
  readonly comment: Comment;
  /** Of the location in which the host's stand; null: they need none. */
  readonly name: Location | null;
  readonly locations: Block;
}

/** `locations.hbs`. */
export interface LocationsView {
  readonly paths: readonly PathView[];
}

/** Locations of one path or one rule. */
export interface PathView {
  readonly comment: Comment | null;
  readonly locations: readonly {
    readonly name: Location;
    /** With its braces. */
    readonly body: Block;
  }[];
}

/** `body.hbs`: what stands behind a location's name. */
export interface BodyView {
  /** Lines before the last directive; null: the location is one line. */
  readonly before: Block | null;
  readonly last: Block;
}

/** `choice.hbs`: jumps to the first rule whose conditions hold. */
export interface CasesView {
  readonly cases: readonly {
    /** The one condition; null: there are several. */
    readonly only: ConditionView | null;
    readonly all: readonly ConditionView[];
    /** As many ones as conditions. */
    readonly count: Word | null;
    readonly jump: Block;
  }[];
}

/** One test, and what has to be set before. */
export interface ConditionView extends TextsView {
  readonly condition: Condition;
}

/** `redirect.hbs`. */
export interface RedirectView {
  readonly status: Word;
  readonly target: Param;
  /** Of the request's path and query, where the target has a part of them; null: it has none. */
  readonly pattern: Regex | null;
}

/** `respond.hbs`. */
export interface RespondView {
  readonly status: Word;
  readonly body: Param;
}
