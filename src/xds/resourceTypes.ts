/** What the protocol itself says about resource types: their order, which know wildcards, and the gRPC services that serve them. */

const envoy = (path: string): string => `type.googleapis.com/envoy.${path}`;

/** Type URLs of the four basic resource types: CDS, EDS, LDS and RDS. */
export const CLUSTER = envoy("config.cluster.v3.Cluster");
export const ENDPOINT = envoy("config.endpoint.v3.ClusterLoadAssignment");
export const LISTENER = envoy("config.listener.v3.Listener");
export const ROUTE = envoy("config.route.v3.RouteConfiguration");
/** Types that others refer to, or that are asked for on demand. */
export const SECRET = envoy("extensions.transport_sockets.tls.v3.Secret");
export const SCOPED_ROUTE = envoy("config.route.v3.ScopedRouteConfiguration");
export const VIRTUAL_HOST = envoy("config.route.v3.VirtualHost");
export const EXTENSION = envoy("config.core.v3.TypedExtensionConfig");
export const RUNTIME = envoy("service.runtime.v3.Runtime");

/** Order of types within one change ("make before break"): what is referred to goes before what refers to it. */
export const PUSH_ORDER: readonly string[] = [
  CLUSTER,
  ENDPOINT,
  SECRET,
  LISTENER,
  SCOPED_ROUTE,
  ROUTE,
  VIRTUAL_HOST,
  EXTENSION,
  RUNTIME,
];

/** Rank in the push order; types the protocol does not know come last. */
export function pushRank(typeUrl: string): number {
  const rank = PUSH_ORDER.indexOf(typeUrl);
  return rank < 0 ? PUSH_ORDER.length : rank;
}

/** True for the types that the protocol has. */
export function isKnownType(typeUrl: string): boolean {
  return PUSH_ORDER.includes(typeUrl);
}

/** Types whose first, empty subscription means "everything". For the others Envoy sends such a request on reconnect and wants nothing. */
export const LEGACY_WILDCARD_TYPES: ReadonlySet<string> = new Set([LISTENER, CLUSTER, SCOPED_ROUTE]);

/**
 * Types whose state-of-the-world responses hold every resource: what is absent is deleted. The protocol says so of listeners and
 * clusters; Envoy does so with scoped routes too.
 */
export const FULL_STATE_TYPES: ReadonlySet<string> = new Set([LISTENER, CLUSTER, SCOPED_ROUTE]);

/** Types asked for name by name while a request waits: a name that is not there is answered with an empty wrapper (delta). */
export const ON_DEMAND_TYPES: ReadonlySet<string> = new Set([VIRTUAL_HOST]);

/** Types that name clusters and wait for them. */
export const HELD_TYPES: ReadonlySet<string> = new Set([LISTENER, ROUTE, VIRTUAL_HOST]);

/** Types of which a node is asked what it has: their resources name others, or are deleted by their absence. */
export const REMEMBERED_TYPES: ReadonlySet<string> = new Set([CLUSTER, LISTENER, ROUTE]);

/** Types of which the last content is remembered when it goes: nodes may keep that for a while, or what waits for it. */
export const PARTING_TYPES: ReadonlySet<string> = new Set([CLUSTER, ENDPOINT, SECRET, ROUTE]);

/** What a node waits for before it uses a new resource of a type. */
const NEEDS: ReadonlyMap<string, readonly string[]> = new Map([
  [CLUSTER, [ENDPOINT, SECRET]],
  [LISTENER, [ROUTE, SECRET]],
]);

/** What a node waits for, and does not ask for again, when a resource of a type changes. Known routes it takes from itself. */
const FOLLOWERS: ReadonlyMap<string, readonly string[]> = new Map([
  [CLUSTER, [ENDPOINT, SECRET]],
  [LISTENER, [SECRET]],
]);

/** Types whose resources may name one of the type: its removal waits for them. */
const REFERRERS: ReadonlyMap<string, readonly string[]> = new Map([
  [CLUSTER, [LISTENER, ROUTE, VIRTUAL_HOST]],
  [ENDPOINT, [CLUSTER, LISTENER, ROUTE, VIRTUAL_HOST]],
  [SECRET, [CLUSTER, LISTENER]],
  [ROUTE, [LISTENER, SCOPED_ROUTE]],
]);

/** Types of resources that a new resource of this type needs before it works. */
export function needsOf(typeUrl: string): readonly string[] {
  return NEEDS.get(typeUrl) ?? [];
}

/** Types of resources that are sent after a changed resource of this type although they did not change. */
export function followersOf(typeUrl: string): readonly string[] {
  return FOLLOWERS.get(typeUrl) ?? [];
}

/** True when resources of this type are sent after others for their sake. */
export function isFollower(typeUrl: string): boolean {
  return typeUrl === ENDPOINT || typeUrl === SECRET;
}

/** Types that may name a resource of this type. */
export function referrersOf(typeUrl: string): readonly string[] {
  return REFERRERS.get(typeUrl) ?? [];
}

/** A streaming method. */
export interface DiscoveryMethod {
  /** Full path, as `/envoy.service.cluster.v3.ClusterDiscoveryService/StreamClusters`. */
  readonly path: string;
  readonly delta: boolean;
  /** Null: the aggregated service, where each request names its type. */
  readonly typeUrl: string | null;
  /**
   * Client status instead of resources: asked over and over on a stream, or once. On the wire one request with one answer is a stream
   * that the server ends after its first answer, so transports need to know nothing of it.
   */
  readonly status?: "stream" | "fetch";
}

/** Service name, its state-of-the-world method (null: it has none), its delta method, its type. */
const SERVICES: readonly (readonly [string, string | null, string, string | null])[] = [
  ["discovery.v3.AggregatedDiscoveryService", "StreamAggregatedResources", "DeltaAggregatedResources", null],
  ["cluster.v3.ClusterDiscoveryService", "StreamClusters", "DeltaClusters", CLUSTER],
  ["endpoint.v3.EndpointDiscoveryService", "StreamEndpoints", "DeltaEndpoints", ENDPOINT],
  ["listener.v3.ListenerDiscoveryService", "StreamListeners", "DeltaListeners", LISTENER],
  ["route.v3.RouteDiscoveryService", "StreamRoutes", "DeltaRoutes", ROUTE],
  ["route.v3.ScopedRoutesDiscoveryService", "StreamScopedRoutes", "DeltaScopedRoutes", SCOPED_ROUTE],
  ["route.v3.VirtualHostDiscoveryService", null, "DeltaVirtualHosts", VIRTUAL_HOST],
  ["secret.v3.SecretDiscoveryService", "StreamSecrets", "DeltaSecrets", SECRET],
  ["runtime.v3.RuntimeDiscoveryService", "StreamRuntime", "DeltaRuntime", RUNTIME],
  ["extension.v3.ExtensionConfigDiscoveryService", "StreamExtensionConfigs", "DeltaExtensionConfigs", EXTENSION],
];

const STATUS_SERVICE = "/envoy.service.status.v3.ClientStatusDiscoveryService";

/** All methods served. */
export const DISCOVERY_METHODS: readonly DiscoveryMethod[] = [
  ...SERVICES.flatMap(([service, stream, delta, typeUrl]): DiscoveryMethod[] => [
    ...(stream === null ? [] : [{ path: `/envoy.service.${service}/${stream}`, delta: false, typeUrl }]),
    { path: `/envoy.service.${service}/${delta}`, delta: true, typeUrl },
  ]),
  { path: `${STATUS_SERVICE}/StreamClientStatus`, delta: false, typeUrl: null, status: "stream" },
  { path: `${STATUS_SERVICE}/FetchClientStatus`, delta: false, typeUrl: null, status: "fetch" },
];
