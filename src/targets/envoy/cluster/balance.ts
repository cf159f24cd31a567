/** How an endpoint of a cluster is chosen. */
import { create } from "@bufbuild/protobuf";
import { Cluster_LbPolicy } from "../../../gen/proto/envoy/config/cluster/v3/cluster_pb.js";
import { LeastRequestSchema } from "../../../gen/proto/envoy/extensions/load_balancing_policies/least_request/v3/least_request_pb.js";
import type { BalanceIr } from "../../../ir/index.ts";
import type { Support } from "../../target.ts";
import { leastRequestByWeight } from "../../unequalWeights.ts";
import { pack } from "../types.ts";

const leastRequest = leastRequestByWeight(
  "LB-LC-WEIGHTS-ENVOY",
  "with unequal weights is a weighted round robin that counts running requests, not the endpoint with the fewest for " +
    "its weight (weights 3:1 gave 102:58 under load).",
);

/** What Envoy says of the leaves of `balance`. */
export const balanceCapabilities = {
  "cluster.balance.policy": leastRequest,
} as const satisfies Readonly<Record<string, Support>>;

/**
 * Endpoints that are drawn for each request, of which the one with the fewest takes it. A full scan would always find the same one, and an
 * endpoint that refuses connections has no request under way: every try would go there. With four draws one of two endpoints is the only
 * one drawn in 1 of 16 cases, so that the other one is soon found (`DRAWS` in failover.ts), and the busier one is rarely chosen.
 */
const CHOICES = 4;

/** Weights count as `leastRequest` above says. */
export function balance({ policy }: BalanceIr) {
  if (policy === "roundRobin") return { lbPolicy: Cluster_LbPolicy.ROUND_ROBIN };
  const leastRequest = create(LeastRequestSchema, { choiceCount: CHOICES });
  const typedExtensionConfig = {
    name: "envoy.load_balancing_policies.least_request",
    typedConfig: pack(LeastRequestSchema, leastRequest),
  };
  return { loadBalancingPolicy: { policies: [{ typedExtensionConfig }] } };
}
