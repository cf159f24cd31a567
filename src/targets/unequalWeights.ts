/** Least request among endpoints of unequal weight: each proxy has its own idea of it. */
import { type ClusterIr, isActive } from "../ir/index.ts";
import { type Finding, foundByInspection, type Support } from "./target.ts";

/** What a proxy does then, as in a capability table; no single field shows it, so the table itself never finds it. */
export function leastRequestByWeight(code: string, approximated: string) {
  return { approximated, code, when: foundByInspection } as const satisfies Support;
}

/** A warning about each cluster that asks for it. */
export function unequalWeights(
  clusters: readonly ClusterIr[],
  support: ReturnType<typeof leastRequestByWeight>,
): readonly Finding[] {
  return clusters.filter(isConcerned).map(({ name }) => ({
    code: support.code,
    severity: "warning",
    message: `cluster ${name}: leastRequest ${support.approximated}`,
    resource: { kind: "cluster", name },
    pointer: "/balance/policy",
  }));
}

/** Weights are compared among endpoints that share traffic. */
function isConcerned({ balance, endpoints }: ClusterIr): boolean {
  if (balance.policy !== "leastRequest") return false;
  const active = endpoints.filter(isActive);
  const first = new Map(active.map(({ priority, weight }) => [priority, weight]));
  return active.some(({ priority, weight }) => weight !== first.get(priority));
}
