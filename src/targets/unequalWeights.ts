/** Policies that look at requests under way, among endpoints of unequal weight: each proxy has its own idea of them. */
import { type BalancePolicy, type ClusterIr, isActive } from "../ir/index.ts";
import { type Finding, foundByInspection, type Support } from "./target.ts";

/** What a proxy does then, as in a capability table; no single field shows it, so the table itself never finds it. */
export function leastRequestByWeight(code: string, approximated: string) {
  return { approximated, code, when: foundByInspection } as const satisfies Support;
}

/** A warning about each cluster that asks for it by one of these policies. */
export function unequalWeights(
  clusters: readonly ClusterIr[],
  support: ReturnType<typeof leastRequestByWeight>,
  policies: readonly BalancePolicy[],
): readonly Finding[] {
  const concerned = clusters.filter((cluster) => policies.includes(cluster.balance.policy) && isUnequal(cluster));
  return concerned.map(({ name, balance: { policy } }) => ({
    code: support.code,
    severity: "warning",
    message: `cluster ${name}: ${policy} ${support.approximated}`,
    resource: { kind: "cluster", name },
    pointer: "/balance/policy",
  }));
}

/** Whether not all endpoints that share traffic have the same weight. */
export function isUnequal({ endpoints }: ClusterIr): boolean {
  const active = endpoints.filter(isActive);
  const first = new Map(active.map(({ priority, weight }) => [priority, weight]));
  return active.some(({ priority, weight }) => weight !== first.get(priority));
}
