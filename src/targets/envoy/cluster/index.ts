/** One Cluster and one ClusterLoadAssignment per cluster: endpoints change without touching the rest. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Cluster_DiscoveryType, ClusterSchema } from "../../../gen/proto/envoy/config/cluster/v3/cluster_pb.js";
import { HttpProtocolOptionsSchema } from "../../../gen/proto/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.js";
import type { ClusterIr } from "../../../ir/index.ts";
import type { RenderedResource } from "../../target.ts";
import { clusterSockets } from "../sockets.ts";
import { adsSource, duration, encode, MAX_HEADERS, pack, resourceOf, typeUrls } from "../types.ts";
import { assignmentBytes } from "./assignment.ts";
import { balance } from "./balance.ts";
import { healthCheckMessage } from "./healthCheck.ts";
import { circuitBreakers } from "./limits.ts";
import { outlierDetection } from "./outlierDetection.ts";

/** Idle connections to endpoints are closed before most servers close them (60 s is usual), so that none breaks in use. */
const POOL_IDLE_MS = 30_000;
type ClusterInit = MessageInitShape<typeof ClusterSchema>;

type UpstreamProtocol = NonNullable<MessageInitShape<typeof HttpProtocolOptionsSchema>["upstreamProtocolOptions"]>;

function httpOptionsOf(upstreamProtocolOptions: UpstreamProtocol) {
  return pack(
    HttpProtocolOptionsSchema,
    create(HttpProtocolOptionsSchema, {
      commonHttpProtocolOptions: { idleTimeout: duration(POOL_IDLE_MS), maxHeadersCount: MAX_HEADERS },
      upstreamProtocolOptions,
    }),
  );
}

const httpOptions = httpOptionsOf({
  case: "explicitHttpConfig",
  value: { protocolConfig: { case: "httpProtocolOptions", value: {} } },
});

/**
 * The gRPC check speaks HTTP/2 and Envoy asks that the cluster can. Requests come in as HTTP/1 (`listener.ts`) and so they stay;
 * only the check uses the other.
 */
const httpOptionsOfGrpcCheck = httpOptionsOf({
  case: "useDownstreamProtocolConfig",
  value: { httpProtocolOptions: {}, http2ProtocolOptions: {} },
});

/** What a cluster becomes. */
export interface RenderedCluster {
  readonly cluster: RenderedResource;
  readonly assignment: RenderedResource;
}

/** What a Cluster depends on beside its own node. */
export interface ClusterPlace {
  /** Who gets there, of a cluster with limits. */
  readonly reach: "http" | "tcp";
  /** `socketsKey`. */
  readonly sockets: string;
}

const USUAL_PLACE: ClusterPlace = { reach: "http", sockets: "" };

/** The cluster's two resources. */
export function renderCluster(cluster: ClusterIr, place = USUAL_PLACE): RenderedCluster {
  const { name } = cluster;
  return {
    cluster: resourceOf(typeUrls.cluster, name, {
      bytes: encode(ClusterSchema, create(ClusterSchema, clusterMessage(cluster, place))),
      refs: [[typeUrls.assignment, name]],
    }),
    assignment: resourceOf(typeUrls.assignment, name, { bytes: assignmentBytes(cluster), refs: [] }),
  };
}

function clusterMessage(cluster: ClusterIr, { reach, sockets }: ClusterPlace): ClusterInit {
  const { healthCheck } = cluster;
  return {
    name: cluster.name,
    clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.EDS },
    edsClusterConfig: { edsConfig: adsSource() },
    connectTimeout: duration(cluster.connectTimeoutMs),
    ...balance(cluster.balance),
    // An endpoint that is removed is gone, even while its health check passes.
    ignoreHealthOnHostRemoval: true,
    commonLbConfig: {
      // Fail closed: no traffic to endpoints known to be bad, however few are left.
      healthyPanicThreshold: { value: 0 },
      // Health changes take effect at once.
      updateMergeWindow: duration(0),
    },
    circuitBreakers: circuitBreakers(cluster, reach),
    ...clusterSockets(sockets),
    typedExtensionProtocolOptions: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions":
        healthCheck?.kind === "grpc" ? httpOptionsOfGrpcCheck : httpOptions,
    },
    outlierDetection,
    healthChecks: healthCheck === null ? [] : [healthCheckMessage(healthCheck)],
  };
}
