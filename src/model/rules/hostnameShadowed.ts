import { boundAddress } from "../boundAddress.ts";
import { effectiveHostnames } from "../hostnames.ts";
import type { Resource, Snapshot } from "../types.ts";
import { ANY_HOST, covers } from "../values.ts";
import { type Rule, touchedOf, warning } from "./rule.ts";

/**
 * Of listeners that share a socket the most specific hostname takes a request (l7.md 4.23). A route's hostname that lies
 * inside a more specific listener's is never served by this route: said, since nothing is dropped in silence.
 */
export const hostnameShadowed: Rule = function* (snapshot, touched) {
  const narrow = [...snapshot.listener.values()].filter(({ body }) => body.hostname !== undefined);
  if (narrow.length === 0) return;
  for (const route of touchedOf(touched, "route")) {
    for (const [index, name] of route.body.listeners.entries()) {
      const listener = snapshot.listener.get(name);
      if (listener === undefined || !SHARING.has(listener.body.protocol)) continue;
      const rivals = narrow.filter(
        (other) => other !== listener && isNarrower(other, listener) && shareSocket(snapshot, other, listener),
      );
      for (const host of effectiveHostnames(route.body, listener.body)) {
        const rival = rivals.find(({ body }) => covers(body.hostname?.toLowerCase() ?? ANY_HOST, host));
        if (rival === undefined) continue;
        const taker = `listener ${JSON.stringify(rival.name)}, which is more specific on the same port`;
        const what = listener.body.protocol === "TLS" ? "connections" : "requests";
        const message = `${what} for ${host} go to ${taker}; this route does not see them there`;
        yield warning("MODEL-HOSTNAME-SHADOWED", route, { pointer: `/listeners/${index}`, message });
      }
    }
  }
};

const SHARING: ReadonlySet<string> = new Set(["HTTP", "HTTPS", "TLS"]);

function isNarrower({ body: inner }: Resource<"listener">, { body: outer }: Resource<"listener">): boolean {
  const [a, b] = [inner.hostname?.toLowerCase() ?? ANY_HOST, outer.hostname?.toLowerCase() ?? ANY_HOST];
  return a !== b && covers(b, a);
}

function shareSocket(snapshot: Snapshot, a: Resource<"listener">, b: Resource<"listener">): boolean {
  if (a.body.port !== b.body.port) return false;
  return a.body.fleets.some((name) => {
    const fleet = snapshot.fleet.get(name)?.body;
    return (
      fleet !== undefined && b.body.fleets.includes(name) && boundAddress(a.body, fleet) === boundAddress(b.body, fleet)
    );
  });
}
