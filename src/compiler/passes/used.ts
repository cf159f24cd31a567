/** Which clusters a virtual host's rules reach. */
import type { RuleIr, VirtualHostIr } from "../../ir/index.ts";

/** Cluster -> how many rules name it. */
type Counts = ReadonlyMap<string, number>;

const cache = new WeakMap<VirtualHostIr, Counts>();

/** Names of the clusters of a virtual host. */
export function clustersOfHost(host: VirtualHostIr): Iterable<string> {
  return countsOf(host).keys();
}

/** Tells that `host` is `before` without `remove` and with `add`, so that its clusters need no scan of all its rules. */
export function deriveClusters(
  host: VirtualHostIr,
  before: VirtualHostIr,
  change: { readonly remove: readonly RuleIr[]; readonly add: readonly RuleIr[] },
): void {
  const known = cache.get(before);
  if (known === undefined) return;
  const counts = new Map(known);
  count(counts, change.remove, -1);
  count(counts, change.add, 1);
  cache.set(host, counts);
}

function countsOf(host: VirtualHostIr): Counts {
  let counts = cache.get(host);
  if (counts === undefined) {
    const found = new Map<string, number>();
    count(found, host.rules, 1);
    counts = found;
    cache.set(host, counts);
  }
  return counts;
}

function count(counts: Map<string, number>, rules: readonly RuleIr[], by: number): void {
  for (const { action } of rules) {
    if (action.kind !== "forward") continue;
    for (const { cluster } of action.split) {
      const left = (counts.get(cluster) ?? 0) + by;
      if (left === 0) counts.delete(cluster);
      else counts.set(cluster, left);
    }
  }
}
