import { ANY_HOST, intersectHostnames } from "../values.ts";
import { problem, type Rule, touchedOf, warning } from "./rule.ts";

/** A route serves the intersection of its hostnames and its listeners'; one that is empty everywhere is refused (l7.md 4.24). */
export const hostnameScope: Rule = function* (snapshot, touched) {
  for (const route of touchedOf(touched, "route")) {
    const listeners = route.body.listeners.map((name) => snapshot.listener.get(name));
    // One that is missing may take what the others do not.
    const scopes = listeners.map((listener) => listener?.body.hostname?.toLowerCase() ?? ANY_HOST);
    if (scopes.includes(ANY_HOST)) continue;
    const hosts = (route.body.hostnames ?? []).map((host) => host.toLowerCase());
    const unused = hosts.filter((host) => scopes.every((scope) => intersectHostnames(host, scope) === null));
    const tell = unused.length === hosts.length ? problem : warning;
    for (const host of unused) {
      const pointer = `/hostnames/${hosts.indexOf(host)}`;
      yield tell("MODEL-HOSTNAME-SCOPE", route, {
        pointer,
        message: `${host} is outside the hostnames of its listeners (${scopes.join(", ")})`,
      });
    }
  }
};
