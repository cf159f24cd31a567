/** What is said of `balance` without rendering it: this file loads fast. */
import type { ClusterIr } from "../../../ir/index.ts";
import { type Finding, foundByInspection, type Support } from "../../target.ts";
import { isUnequal, leastRequestByWeight, unequalWeights } from "../../unequalWeights.ts";

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

/** No version of Envoy has it. */
export const noLatency = {
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
