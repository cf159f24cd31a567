/** States of endpoints. */
import { HealthStatus } from "../../../gen/proto/envoy/config/core/v3/health_check_pb.js";
import type { EndpointState } from "../../../ir/index.ts";
import type { Support } from "../../target.ts";

/** What Envoy says of `state`. */
export const stateCapabilities = {
  "cluster.endpoints[].state": "exact",
} as const satisfies Readonly<Record<string, Support>>;

/** Of an active endpoint the health check decides. */
export const HEALTH_STATUS: Readonly<Record<EndpointState, HealthStatus>> = {
  active: HealthStatus.UNKNOWN,
  drain: HealthStatus.DRAINING,
  down: HealthStatus.UNHEALTHY,
};
