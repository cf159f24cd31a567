/** Passive health: an endpoint to which no connection can be made is left out for a while. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { OutlierDetectionSchema } from "../../../gen/proto/envoy/config/cluster/v3/outlier_detection_pb.js";
import { duration } from "../types.ts";

/**
 * In a row. To Envoy an endpoint that closes or stays silent has failed like one that takes no connection: after one of these nobody is
 * left out, and after any answer it counts anew.
 */
const FAILURES = 5;
/** nginx's own default for an endpoint that fails (`fail_timeout`). */
const EJECTION_MS = 10_000;
/** Never more than half of the endpoints, and so never the only one: with none left nothing would be tried any more. */
const MAX_EJECTED_PERCENT = 50;

/**
 * Of every cluster. A TCP connection cannot say which endpoints it has tried, so Envoy may try a dead one again and again (with two
 * endpoints and three attempts one connection in eight was lost): here it is soon left out. No answer counts, also no 5xx.
 */
export const outlierDetection: MessageInitShape<typeof OutlierDetectionSchema> = {
  splitExternalLocalOriginErrors: true,
  consecutiveLocalOriginFailure: FAILURES,
  enforcingConsecutiveLocalOriginFailure: 100,
  enforcingLocalOriginSuccessRate: 0,
  enforcingConsecutive5xx: 0,
  enforcingConsecutiveGatewayFailure: 0,
  enforcingSuccessRate: 0,
  enforcingFailurePercentage: 0,
  interval: duration(EJECTION_MS),
  baseEjectionTime: duration(EJECTION_MS),
  // A second time in a row it would be twice as long.
  maxEjectionTime: duration(EJECTION_MS),
  maxEjectionPercent: MAX_EJECTED_PERCENT,
};
