/** One Cluster and one ClusterLoadAssignment per cluster: endpoints change without touching the rest. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  Cluster_DiscoveryType,
  Cluster_LbPolicy,
  ClusterSchema,
} from "../../gen/proto/envoy/config/cluster/v3/cluster_pb.js";
import { RequestMethod } from "../../gen/proto/envoy/config/core/v3/base_pb.js";
import type { HealthCheckSchema } from "../../gen/proto/envoy/config/core/v3/health_check_pb.js";
import { ClusterLoadAssignmentSchema } from "../../gen/proto/envoy/config/endpoint/v3/endpoint_pb.js";
import {
  LeastRequest_SelectionMethod,
  LeastRequestSchema,
} from "../../gen/proto/envoy/extensions/load_balancing_policies/least_request/v3/least_request_pb.js";
import { HttpProtocolOptionsSchema } from "../../gen/proto/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.js";
import type { ClusterIr, EndpointIr, HealthCheckIr } from "../../ir/index.ts";
import type { RenderedResource } from "../target.ts";
import { adsSource, duration, encode, MAX_HEADERS, pack, resourceOf, typeUrls } from "./types.ts";

/** Envoy's default of 1024 connections, pending and running requests would answer 503 where the other proxies have no limit. */
const NO_LIMIT = 1_000_000;
/** Idle connections to endpoints are closed before most servers close them (60 s is usual), so that none breaks in use. */
const POOL_IDLE_MS = 30_000;
/** Any status can be a failed probe that counts towards `fall`; without it Envoy takes an endpoint out at the first. */
const ALL_STATUSES = { start: 100n, end: 600n };

type ClusterInit = MessageInitShape<typeof ClusterSchema>;

const httpOptions = pack(
  HttpProtocolOptionsSchema,
  create(HttpProtocolOptionsSchema, {
    commonHttpProtocolOptions: { idleTimeout: duration(POOL_IDLE_MS), maxHeadersCount: MAX_HEADERS },
    upstreamProtocolOptions: {
      case: "explicitHttpConfig",
      value: { protocolConfig: { case: "httpProtocolOptions", value: {} } },
    },
  }),
);

/** What a cluster becomes. */
export interface RenderedCluster {
  readonly cluster: RenderedResource;
  readonly assignment: RenderedResource;
}

/** The cluster's two resources. */
export function renderCluster(cluster: ClusterIr): RenderedCluster {
  const { name } = cluster;
  return {
    cluster: resourceOf(typeUrls.cluster, name, {
      bytes: encode(ClusterSchema, create(ClusterSchema, clusterMessage(cluster))),
      refs: [[typeUrls.assignment, name]],
    }),
    assignment: resourceOf(typeUrls.assignment, name, { bytes: assignmentBytes(cluster), refs: [] }),
  };
}

function clusterMessage(cluster: ClusterIr): ClusterInit {
  const { healthCheck } = cluster;
  return {
    name: cluster.name,
    clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.EDS },
    edsClusterConfig: { edsConfig: adsSource() },
    connectTimeout: duration(cluster.connectTimeoutMs),
    ...balance(cluster),
    // An endpoint that is removed is gone, even while its health check passes.
    ignoreHealthOnHostRemoval: true,
    commonLbConfig: {
      // Fail closed: no traffic to endpoints known to be bad, however few are left.
      healthyPanicThreshold: { value: 0 },
      // Health changes take effect at once.
      updateMergeWindow: duration(0),
    },
    circuitBreakers: {
      thresholds: [
        { maxConnections: NO_LIMIT, maxPendingRequests: NO_LIMIT, maxRequests: NO_LIMIT, maxRetries: NO_LIMIT },
      ],
    },
    typedExtensionProtocolOptions: { "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": httpOptions },
    healthChecks: healthCheck === null ? [] : [healthCheckMessage(healthCheck)],
  };
}

/** True least connections needs the full scan; it works among equal weights only. */
function balance(cluster: ClusterIr) {
  if (cluster.policy === "roundRobin") return { lbPolicy: Cluster_LbPolicy.ROUND_ROBIN };
  const leastRequest = create(LeastRequestSchema, { selectionMethod: LeastRequest_SelectionMethod.FULL_SCAN });
  const typedExtensionConfig = {
    name: "envoy.load_balancing_policies.least_request",
    typedConfig: pack(LeastRequestSchema, leastRequest),
  };
  return { loadBalancingPolicy: { policies: [{ typedExtensionConfig }] } };
}

function healthCheckMessage(check: HealthCheckIr): MessageInitShape<typeof HealthCheckSchema> {
  return {
    interval: duration(check.intervalMs),
    // Envoy's default of 60 s for clusters without traffic would leave a dead endpoint in.
    noTrafficInterval: duration(check.intervalMs),
    timeout: duration(check.timeoutMs),
    healthyThreshold: check.rise,
    unhealthyThreshold: check.fall,
    // A server that takes no new connection must fail, and one that closes after its answer must pass.
    reuseConnection: false,
    healthChecker: check.http === null ? { case: "tcpHealthCheck", value: {} } : httpChecker(check.http),
  };
}

const METHODS: Readonly<Record<string, RequestMethod>> = {
  GET: RequestMethod.GET,
  HEAD: RequestMethod.HEAD,
  OPTIONS: RequestMethod.OPTIONS,
};

function httpChecker(http: NonNullable<HealthCheckIr["http"]>) {
  const method = METHODS[http.method];
  if (method === undefined) throw new Error(`health check method ${http.method} is not known to Envoy`);
  return {
    case: "httpHealthCheck" as const,
    value: {
      host: http.host,
      path: http.path,
      method,
      expectedStatuses: http.expectedStatus.map(({ low, high }) => ({ start: BigInt(low), end: BigInt(high + 1) })),
      retriableStatuses: [ALL_STATUSES],
    },
  };
}

function assignmentBytes(cluster: ClusterIr): Uint8Array {
  const checkPort = cluster.healthCheck?.port ?? null;
  const message = create(ClusterLoadAssignmentSchema, {
    clusterName: cluster.name,
    endpoints:
      cluster.endpoints.length === 0 ? [] : [{ lbEndpoints: cluster.endpoints.map((one) => endpoint(one, checkPort)) }],
  });
  return encode(ClusterLoadAssignmentSchema, message);
}

function endpoint({ address, port, weight }: EndpointIr, checkPort: number | null) {
  return {
    hostIdentifier: {
      case: "endpoint",
      value: {
        address: {
          address: { case: "socketAddress", value: { address, portSpecifier: { case: "portValue", value: port } } },
        },
        ...(checkPort === null ? {} : { healthCheckConfig: { portValue: checkPort } }),
      },
    },
    loadBalancingWeight: weight,
  } as const;
}
