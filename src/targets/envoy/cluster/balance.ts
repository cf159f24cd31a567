/** How an endpoint of a cluster is chosen. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import { Cluster_LbPolicy, type ClusterSchema } from "../../../gen/proto/envoy/config/cluster/v3/cluster_pb.js";
import { LeastRequestSchema } from "../../../gen/proto/envoy/extensions/load_balancing_policies/least_request/v3/least_request_pb.js";
import { MaglevSchema } from "../../../gen/proto/envoy/extensions/load_balancing_policies/maglev/v3/maglev_pb.js";
import { RandomSchema } from "../../../gen/proto/envoy/extensions/load_balancing_policies/random/v3/random_pb.js";
import type { BalanceIr, ClusterIr } from "../../../ir/index.ts";
import { type Finding, foundByInspection, type Support } from "../../target.ts";
import { isUnequal, leastRequestByWeight, unequalWeights } from "../../unequalWeights.ts";
import { pack } from "../types.ts";

const leastRequest = leastRequestByWeight(
  "LB-LC-WEIGHTS-ENVOY",
  "with unequal weights is a weighted round robin that counts running requests, not the endpoint with the fewest for " +
    "its weight (weights 3:1 gave 102:58 under load).",
);

const randomByWeight = {
  refused: "draws without regard to weights in Envoy (3:2:1 gave 187:200:213 of 600); give all endpoints one weight",
  code: "LB-RANDOM-WEIGHTS-ENVOY",
  when: foundByInspection,
} as const satisfies Support;

const noLatency = {
  refused: "`leastTime` is not in Envoy; take leastRequest",
  code: "LB-LATENCY",
  when: (value: unknown) => value === "leastTime",
} as const satisfies Support;

const lateBound = {
  approximated:
    "does not count requests that wait for a connection: of 60 new ones at once 59 went to the endpoint of their key, one after the other 30",
  code: "LB-BOUNDED-ENVOY",
} as const satisfies Support;

/** What Envoy says of the leaves of `balance`. */
export const balanceCapabilities = {
  "cluster.balance.policy": [leastRequest, randomByWeight, noLatency],
  "cluster.balance.hash.by": "exact",
  "cluster.balance.hash.name": "exact",
  "cluster.balance.hash.boundedLoad": lateBound,
} as const satisfies Readonly<Record<string, Support>>;

/**
 * Endpoints that are drawn for each request, of which the one with the fewest takes it. A full scan would always find the same one, and an
 * endpoint that refuses connections has no request under way: every try would go there. With four draws one of two endpoints is the only
 * one drawn in 1 of 16 cases, so that the other one is soon found (`DRAWS` in failover.ts), and the busier one is rarely chosen.
 */
const LEAST_OF = 4;

/** What policies make of unequal weights. */
export function inspectBalance(clusters: readonly ClusterIr[]): readonly Finding[] {
  const random = clusters.filter((cluster) => cluster.balance.policy === "random" && isUnequal(cluster));
  const refused = random.map(
    ({ name }): Finding => ({
      code: randomByWeight.code,
      severity: "error",
      message: `cluster ${name}: random ${randomByWeight.refused}`,
      resource: { kind: "cluster", name },
      pointer: "/balance/policy",
    }),
  );
  return [...unequalWeights(clusters, leastRequest, ["leastRequest", "powerOfTwo"]), ...refused];
}

type BalanceInit = Pick<MessageInitShape<typeof ClusterSchema>, "lbPolicy" | "loadBalancingPolicy">;

/** The key of a hash stands in routes (`hashPolicy.ts`). */
export function balance(asked: BalanceIr): BalanceInit {
  switch (asked.policy) {
    case "roundRobin":
      return { lbPolicy: Cluster_LbPolicy.ROUND_ROBIN };
    case "leastRequest":
      return leastRequestOf(LEAST_OF);
    case "powerOfTwo":
      return leastRequestOf(2);
    case "random":
      return extension("random", pack(RandomSchema, create(RandomSchema)));
    case "hash": {
      // Removing one of five endpoints moved no foreign key of 300, with ring_hash 17 to 25.
      const bound = asked.boundedLoad === null ? {} : { hashBalanceFactor: asked.boundedLoad };
      return extension("maglev", pack(MaglevSchema, create(MaglevSchema, { consistentHashingLbConfig: bound })));
    }
    case "leastTime":
      throw new Error(`Envoy ${noLatency.refused}: the gate did not run`);
  }
}

function leastRequestOf(choiceCount: number): BalanceInit {
  return extension("least_request", pack(LeastRequestSchema, create(LeastRequestSchema, { choiceCount })));
}

function extension(name: string, typedConfig: Any): BalanceInit {
  const typedExtensionConfig = { name: `envoy.load_balancing_policies.${name}`, typedConfig };
  return { loadBalancingPolicy: { policies: [{ typedExtensionConfig }] } };
}
