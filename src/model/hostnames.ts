/** Which hosts a route serves on a listener. */
import type { Listener, Route } from "./types.ts";
import { ANY_HOST, intersectHostnames } from "./values.ts";

const ANY_HOSTS: readonly string[] = [ANY_HOST];

/** Lower-case hosts of the route cut to the listener's hostname, without repetition, ascending. A missing listener cuts nothing. */
export function effectiveHostnames(route: Route, listener: Listener | undefined): string[] {
  const scope = listener?.hostname?.toLowerCase() ?? ANY_HOST;
  const hosts: string[] = [];
  for (const own of route.hostnames ?? ANY_HOSTS) {
    const host = intersectHostnames(own.toLowerCase(), scope);
    if (host !== null) hosts.push(host);
  }
  return hosts.length < 2 ? hosts : [...new Set(hosts)].sort();
}
