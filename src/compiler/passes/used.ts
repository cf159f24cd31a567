/** Which clusters a list of rules reaches. */
import type { RuleIr } from "../../ir/index.ts";
import type { CompilerMemory } from "../memory.ts";

/** Names of the clusters. */
export function clustersOfRules(rules: readonly RuleIr[], { clusterCounts }: CompilerMemory): Iterable<string> {
  let counts = clusterCounts.get(rules);
  if (counts === undefined) {
    const found = new Map<string, number>();
    count(found, rules, 1);
    counts = found;
    clusterCounts.set(rules, counts);
  }
  return counts.keys();
}

/** Tells that `rules` is `before` without `remove` and with `add`, so that its clusters need no scan of it all. */
export function deriveClusters(
  rules: readonly RuleIr[],
  change: { readonly before: readonly RuleIr[]; readonly remove: readonly RuleIr[]; readonly add: readonly RuleIr[] },
  { clusterCounts }: CompilerMemory,
): void {
  const known = clusterCounts.get(change.before);
  if (known === undefined) return;
  const counts = new Map(known);
  count(counts, change.remove, -1);
  count(counts, change.add, 1);
  clusterCounts.set(rules, counts);
}

function count(counts: Map<string, number>, rules: readonly RuleIr[], by: number): void {
  for (let index = 0; index < rules.length; index++) {
    const { action } = rules[index] as RuleIr;
    if (action.kind !== "forward") continue;
    for (const { cluster } of action.split) {
      const left = (counts.get(cluster) ?? 0) + by;
      if (left === 0) counts.delete(cluster);
      else counts.set(cluster, left);
    }
  }
}
