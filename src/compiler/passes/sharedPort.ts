/**
 * Listeners that share an address and port: isolated groups behind one socket. The most specific listener hostname takes a
 * request, and there is no fall-through to another listener (l7.md 4.23).
 */
import type { VirtualHostIr } from "../../ir/index.ts";
import { ANY_HOST, covers } from "../../model/index.ts";
import { compareText, sortedSteps } from "../../util/sorted.ts";
import { type Steps, shouldYield } from "../../util/steps.ts";
import { reuseParent } from "../reuse.ts";
import type { CompiledListener } from "./listener.ts";

/**
 * One flat list in which the choice of the most specific hostname gives the same answer. Ascending by first hostname. `before` is
 * the port's last list.
 */
export function* mergeHosts(
  listeners: readonly CompiledListener[],
  before: readonly VirtualHostIr[] | null,
): Steps<VirtualHostIr[]> {
  const old = new Map(before?.map((host) => [host.hostnames[0], host]));
  const made = (host: VirtualHostIr): VirtualHostIr => reuseParent(old.get(host.hostnames[0]), host);
  const scopes = listeners.map(({ hostname }) => hostname?.toLowerCase() ?? ANY_HOST);
  const found: VirtualHostIr[] = [];
  for (const [index, { served }] of listeners.entries()) {
    const scope = scopes[index] as string;
    const narrower = scopes.filter((other) => other !== scope && covers(scope, other));
    for (const [place, host] of served.entries()) {
      const own = host.hostnames.filter((hostname) => !narrower.some((other) => covers(other, hostname)));
      if (own.length === host.hostnames.length) found.push(host);
      else if (own.length > 0) found.push(made({ ...host, hostnames: own }));
      if (shouldYield(place)) yield;
    }
    // Without this, a host that the narrow listener does not know would fall through to a wider listener's wildcard.
    if (scope !== ANY_HOST && !served.some(({ hostnames }) => hostnames.includes(scope)))
      found.push(made({ hostnames: [scope], rules: [], groups: null }));
  }
  return yield* sortedSteps(found, (a, b) => compareText(a.hostnames[0] as string, b.hostnames[0] as string));
}
