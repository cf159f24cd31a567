/** Which clusters a virtual host's rules reach. */
import type { VirtualHostIr } from "../../ir/index.ts";

const cache = new WeakMap<VirtualHostIr, ReadonlySet<string>>();

export function clustersOfHost(host: VirtualHostIr): ReadonlySet<string> {
  let names = cache.get(host);
  if (names === undefined) {
    const found = new Set<string>();
    for (const { action } of host.rules)
      if (action.kind === "forward") for (const { cluster } of action.split) found.add(cluster);
    names = found;
    cache.set(host, names);
  }
  return names;
}
