/** Which hosts a route serves on a listener. */
import type { Listener, Route } from "./types.ts";
import { ANY_HOST, intersectHostnames } from "./values.ts";

/** Lower-case hosts of the route cut to the listener's hostname, without repetition, ascending. A missing listener cuts nothing. */
export function effectiveHostnames(route: Route, listener: Listener | undefined): string[] {
  const scope = listener?.hostname?.toLowerCase() ?? ANY_HOST;
  const own = route.hostnames?.map((host) => host.toLowerCase()) ?? [ANY_HOST];
  const hosts = own.map((host) => intersectHostnames(host, scope)).filter((host) => host !== null);
  return hosts.length < 2 ? hosts : [...new Set(hosts)].sort();
}
