/** Least request among endpoints of unequal weight: each proxy has its own idea of it. */
import type { ClusterIr } from "../ir/index.ts";
import type { Finding, Support } from "./target.ts";

/** What a proxy does then, as in a capability table; no single field shows it, so the table itself never finds it. */
export function leastRequestByWeight(code: string, approximated: string) {
  return { approximated, code, when: () => false } as const satisfies Support;
}

/** The warning about a cluster that asks for it. */
export function unequalWeights(cluster: ClusterIr, support: ReturnType<typeof leastRequestByWeight>): Finding | null {
  const [first] = cluster.endpoints;
  const equal = cluster.endpoints.every(({ weight }) => weight === first?.weight);
  if (cluster.policy !== "leastRequest" || equal) return null;
  return {
    code: support.code,
    severity: "warning",
    message: `cluster ${cluster.name}: leastRequest ${support.approximated}`,
    resource: { kind: "cluster", name: cluster.name },
    pointer: "/balance/policy",
  };
}
