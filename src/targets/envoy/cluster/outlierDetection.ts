/** Passive health: an endpoint that fails in the traffic itself is left out for a while. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { OutlierDetectionSchema } from "../../../gen/proto/envoy/config/cluster/v3/outlier_detection_pb.js";
import { type ClusterIr, isActive, type OutlierDetectionIr } from "../../../ir/index.ts";
import { duration } from "../types.ts";

/**
 * Of a cluster that says nothing: as one that says `outlierDetection: {}`. A TCP connection cannot say which endpoints it has tried, so
 * Envoy may try a dead one again and again (with two endpoints and three attempts one connection in eight was lost): here it is soon
 * left out. No answer counts, also no 5xx. To Envoy an endpoint that closes or stays silent has failed like one that takes no connection:
 * after one of these nobody is left out, and after any answer it counts anew.
 */
const UNASKED: OutlierDetectionIr = {
  connectFailures: 5,
  serverErrors: null,
  intervalMs: 1_000,
  ejectForMs: 10_000,
  maxEjectedPercent: null,
};

/** The next one is left out only if it makes no more than this: the last one would make 100 %. */
const ALL_BUT_ONE_PERCENT = 99;
/** Fewer serve: then all are tried. One percent is the least that Envoy knows beside none. */
const NONE_LEFT_PERCENT = 1;
/**
 * The same where nobody asked, and no request may be lost to it: the last of three that is left in may be the one that fails, and its
 * requests, which are not tried elsewhere then, fail until it is out too.
 */
const HALF_LEFT_PERCENT = 50;

/**
 * Whether all endpoints are tried when all are left out. Not where a health check fails closed; and where somebody took an endpoint out,
 * it would be tried too: there one is never left out, though it may be dead when the others are back.
 */
function triesAll({ healthCheck, endpoints }: ClusterIr): boolean {
  return healthCheck === null && endpoints.every(isActive);
}

/** Of so few percent that serve, all are used. */
export function panicThreshold(cluster: ClusterIr): { readonly value: number } {
  if (!triesAll(cluster)) return { value: 0 };
  return { value: cluster.outlierDetection === null ? HALF_LEFT_PERCENT : NONE_LEFT_PERCENT };
}

/** What the Cluster says. */
export function outlierDetection(cluster: ClusterIr): MessageInitShape<typeof OutlierDetectionSchema> {
  const { outlierDetection: asked } = cluster;
  const { connectFailures, serverErrors, intervalMs, ejectForMs, maxEjectedPercent } = asked ?? UNASKED;
  return {
    splitExternalLocalOriginErrors: true,
    consecutiveLocalOriginFailure: connectFailures,
    enforcingConsecutiveLocalOriginFailure: 100,
    enforcingLocalOriginSuccessRate: 0,
    ...(serverErrors === null
      ? { enforcingConsecutive5xx: 0 }
      : { consecutive5xx: serverErrors, enforcingConsecutive5xx: 100 }),
    enforcingConsecutiveGatewayFailure: 0,
    enforcingSuccessRate: 0,
    enforcingFailurePercentage: 0,
    interval: duration(intervalMs),
    baseEjectionTime: duration(ejectForMs),
    // A second time in a row it would be twice as long.
    maxEjectionTime: duration(ejectForMs),
    maxEjectionPercent: maxEjectedPercent ?? (triesAll(cluster) ? 100 : ALL_BUT_ONE_PERCENT),
    // The next probe that passes would bring back what fails in the traffic (after 0.2 s it did).
    ...(asked === null ? {} : { successfulActiveHealthCheckUnejectHost: false }),
  };
}
