/** What must follow a response although it did not change. What clusters and listeners wait for is in warming.ts. */
import { ON_DEMAND_TYPES, ROUTE, VIRTUAL_HOST } from "./resourceTypes.ts";
import { type Stream, viewOf } from "./state.ts";
import { inScope, type SentResponse, type Subscription } from "./subscription.ts";

/** Has what depends on the resources of a response sent again, after it. */
export function resendDependants(stream: Stream, sub: Subscription, sent: SentResponse): void {
  if (sub.typeUrl === ROUTE) resendVirtualHosts(stream, sent);
}

/** A route configuration that is replaced takes with it the virtual hosts that came for it one by one. */
function resendVirtualHosts(stream: Stream, sent: SentResponse): void {
  if (stream.group.onDemand.size === 0) return;
  const view = viewOf(stream.group, VIRTUAL_HOST);
  for (const other of stream.group.onDemand) {
    if (other !== stream && other.node.id !== stream.node.id) continue;
    const hosts = other.subs.get(VIRTUAL_HOST)!;
    for (const { name } of sent.resources) demandBelow(hosts, `${name}/`, view.resources.keys());
    if (other !== stream) stream.context.wake([other]);
  }
}

function demandBelow(hosts: Subscription, prefix: string, all: Iterable<string>): void {
  for (const name of all) {
    if (!name.startsWith(prefix) || !inScope(hosts, name)) continue;
    hosts.absent.delete(name);
    hosts.pending.set(name, undefined);
  }
}

/**
 * Envoy opens its subscription of virtual hosts without names, and a listener waits for an answer about its route configuration before it
 * serves, 15 seconds when none comes. That a host without a name is not there is one, and changes nothing.
 */
export function greet(stream: Stream, hosts: Subscription): void {
  if (!ON_DEMAND_TYPES.has(hosts.typeUrl) || !hosts.delta || hosts.wildcard || hosts.names.size > 0) return;
  hosts.mustAnswer = true;
  for (const name of stream.subs.get(ROUTE)?.names ?? []) hosts.absent.set(`${name}/`, true);
}
