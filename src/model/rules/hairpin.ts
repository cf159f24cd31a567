import type { Diagnostic } from "../../errors/diagnostic.ts";
import { createListenerGraph, type Loop } from "../listenerGraph.ts";
import { problem, touchedOf, type WholeRule } from "./rule.ts";

/**
 * No request comes back to the listener that took it, over however many fleets: it would go round until connections or ports run out.
 * A rule that happens to cut the way back is one edit away from that, so rules are not looked at. Another tier, a listener
 * from which nothing leads back, may be an endpoint.
 */
export const hairpin: WholeRule = function* (snapshot, touched) {
  const routes = touchedOf(touched, "route");
  if (routes.length === 0) return;
  const graph = createListenerGraph(snapshot, "sure");
  for (const route of routes) {
    yield;
    for (const loop of graph.loopsOf(route)) yield problem("MODEL-HAIRPIN", route, detailsOf(loop));
  }
};

/** Where a loop is, and over what. */
export function detailsOf({
  pointer,
  cluster,
  endpoint,
  place,
}: Loop): Pick<Diagnostic, "pointer" | "message" | "related"> {
  const [name = ""] = place.listeners;
  const what = `listener ${JSON.stringify(name)} of fleet ${JSON.stringify(place.fleet)}`;
  return {
    pointer,
    message: `requests come back to where they were taken: an endpoint of cluster ${JSON.stringify(cluster)} is ${what}`,
    related: { resource: { kind: "cluster", name: cluster }, pointer: `/endpoints/${endpoint}` },
  };
}
