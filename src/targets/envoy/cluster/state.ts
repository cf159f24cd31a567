/** States of endpoints. */
import { HealthStatus } from "../../../gen/proto/envoy/config/core/v3/health_check_pb.js";
import type { EndpointState } from "../../../ir/index.ts";

/** Of an active endpoint the health check decides. */
export const HEALTH_STATUS: Readonly<Record<EndpointState, HealthStatus>> = {
  active: HealthStatus.UNKNOWN,
  drain: HealthStatus.DRAINING,
  down: HealthStatus.UNHEALTHY,
};
