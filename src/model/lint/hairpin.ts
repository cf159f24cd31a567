import type { Diagnostic } from "../../errors/diagnostic.ts";
import { type Steps, shouldYield } from "../../util/steps.ts";
import { createListenerGraph } from "../listenerGraph.ts";
import { detailsOf } from "../rules/hairpin.ts";
import { warning } from "../rules/rule.ts";
import type { Snapshot } from "../types.ts";

/** A loop over loopback addresses of two fleets: there is one when their proxies run on the same machine. */
export function* hairpin(snapshot: Snapshot): Steps<Diagnostic[]> {
  const found: Diagnostic[] = [];
  const graph = createListenerGraph(snapshot, "possible");
  let index = 0;
  for (const route of snapshot.route.values()) {
    if (shouldYield(index++)) yield;
    for (const loop of graph.loopsOf(route)) {
      const { message, ...place } = detailsOf(loop);
      const condition = ", if the proxies of these fleets run on one machine";
      found.push(warning("LINT-HAIRPIN", route, { ...place, message: message + condition }));
    }
  }
  return found;
}
