/** What must follow a response although it did not change. Clusters and their endpoints are in hold.ts. */
import { CLUSTER, LISTENER, ON_DEMAND_TYPES, ROUTE, SECRET, VIRTUAL_HOST } from "./resourceTypes.ts";
import { type Stream, viewOf } from "./state.ts";
import { inScope, type SentResponse, type Subscription } from "./subscription.ts";

/** Has what depends on the resources of a response sent again, after it. */
export function resendDependants(stream: Stream, sub: Subscription, sent: SentResponse): void {
  // A state-of-the-world client asks for everything anew when it reconnects, which is when secrets are missed.
  if (sub.delta && (sub.typeUrl === CLUSTER || sub.typeUrl === LISTENER)) resendSecrets(stream, sent);
  if (sub.typeUrl === ROUTE) resendVirtualHosts(stream, sent);
}

/** What warms waits for its secrets; Envoy does not ask again for one that it has had on this stream. */
function resendSecrets(stream: Stream, sent: SentResponse): void {
  const secrets = stream.subs.get(SECRET);
  if (secrets === undefined) return;
  const view = viewOf(stream.group, SECRET);
  for (const resource of sent.resources) {
    for (const [typeUrl, name] of resource.refs) {
      if (typeUrl !== SECRET || !inScope(secrets, name) || !view.resources.has(name)) continue;
      secrets.absent.delete(name);
      secrets.pending.set(name, undefined);
    }
  }
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
  for (const name of stream.subs.get(ROUTE)?.names ?? []) hosts.absent.add(`${name}/`);
}
