/** A cluster's endpoints. */
import { create } from "@bufbuild/protobuf";
import { ClusterLoadAssignmentSchema } from "../../../gen/proto/envoy/config/endpoint/v3/endpoint_pb.js";
import type { ClusterIr, EndpointIr } from "../../../ir/index.ts";
import { encode } from "../types.ts";
import { levelsOf, overflow } from "./priority.ts";
import { HEALTH_STATUS } from "./state.ts";

/** The bytes of the ClusterLoadAssignment. */
export function assignmentBytes(cluster: ClusterIr): Uint8Array {
  const checkPort = cluster.healthCheck?.port ?? null;
  const message = create(ClusterLoadAssignmentSchema, {
    clusterName: cluster.name,
    endpoints: levelsOf(cluster.endpoints).map((level, priority) => ({
      priority,
      lbEndpoints: level.map((one) => endpoint(one, checkPort)),
    })),
    ...overflow(cluster),
  });
  return encode(ClusterLoadAssignmentSchema, message);
}

function endpoint({ address, port, weight, state }: EndpointIr, checkPort: number | null) {
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
    healthStatus: HEALTH_STATUS[state],
  } as const;
}
