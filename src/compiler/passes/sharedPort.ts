/**
 * Listeners that share an address and port: isolated groups behind one socket. The most specific listener hostname takes a
 * request, and there is no fall-through to another listener (l7.md 4.23).
 */
import type { VirtualHostIr } from "../../ir/index.ts";
import { ANY_HOST, covers } from "../../model/index.ts";
import { compareText, sortedSteps } from "../../util/sorted.ts";
import { due, type Steps } from "../../util/steps.ts";
import { type CompiledListener, virtualHost } from "./listener.ts";

interface Member {
  readonly compiled: CompiledListener;
}

/** One flat list in which the choice of the most specific hostname gives the same answer. Ascending by hostname. */
export function* mergeHosts(members: readonly Member[]): Steps<VirtualHostIr[]> {
  const scopes = members.map(({ compiled }) => compiled.hostname?.toLowerCase() ?? ANY_HOST);
  const found: VirtualHostIr[] = [];
  for (const [index, { compiled }] of members.entries()) {
    const scope = scopes[index] as string;
    const narrower = scopes.filter((other) => other !== scope && covers(scope, other));
    for (const [place, host] of compiled.hostList.entries()) {
      if (!narrower.some((other) => covers(other, host.hostname))) found.push(host);
      if (due(place)) yield;
    }
    // Without this, a host that the narrow listener does not know would fall through to a wider listener's wildcard.
    if (scope !== ANY_HOST && !compiled.hosts.has(scope)) found.push(yield* emptyHost(compiled, scope));
  }
  return yield* sortedSteps(found, (a, b) => compareText(a.hostname, b.hostname));
}

const emptyHosts = new WeakMap<CompiledListener, VirtualHostIr>();

function* emptyHost(compiled: CompiledListener, scope: string): Steps<VirtualHostIr> {
  const host = emptyHosts.get(compiled) ?? (yield* virtualHost(scope, []));
  emptyHosts.set(compiled, host);
  return host;
}
