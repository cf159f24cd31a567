/** One Cluster and one ClusterLoadAssignment per cluster: endpoints change without touching the rest. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Cluster_DiscoveryType, ClusterSchema } from "../../../gen/proto/envoy/config/cluster/v3/cluster_pb.js";
import type { ClusterIr } from "../../../ir/index.ts";
import type { RenderedResource } from "../../target.ts";
import { namedEndpoints } from "../affinity.ts";
import { clusterSockets } from "../sockets.ts";
import { adsSource, duration, encode, resourceOf, typeUrls } from "../types.ts";
import { assignmentBytes } from "./assignment.ts";
import { balance } from "./balance.ts";
import { healthCheckMessage } from "./healthCheck.ts";
import { httpOptions } from "./httpOptions.ts";
import { circuitBreakers } from "./limits.ts";
import { outlierDetection, panicThreshold } from "./outlierDetection.ts";
import { secretRefs } from "./tls.ts";
import { transport } from "./transport.ts";

type ClusterInit = MessageInitShape<typeof ClusterSchema>;

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
      refs: [[typeUrls.assignment, name], ...secretRefs(cluster.tls)],
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
    ...balance(cluster),
    // An endpoint that is removed is gone, even while its health check passes.
    ignoreHealthOnHostRemoval: true,
    commonLbConfig: {
      // Fail closed: no traffic to endpoints that a probe found bad, however few are left.
      healthyPanicThreshold: panicThreshold(cluster),
      // Health changes take effect at once.
      updateMergeWindow: duration(0),
      ...namedEndpoints(cluster.affinity),
    },
    circuitBreakers: circuitBreakers(cluster, reach),
    ...clusterSockets(sockets),
    typedExtensionProtocolOptions: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": httpOptions(cluster),
    },
    outlierDetection: outlierDetection(cluster),
    ...transport(cluster),
    healthChecks: healthCheck === null ? [] : [healthCheckMessage(healthCheck, cluster.tls !== null)],
  };
}
