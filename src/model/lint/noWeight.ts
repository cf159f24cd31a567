import type { Diagnostic } from "../../errors/diagnostic.ts";
import { type Steps, shouldYield } from "../../util/steps.ts";
import { warning } from "../rules/rule.ts";
import type { Cluster, Snapshot } from "../types.ts";

/** A cluster that has endpoints, but none that gets a request. One without endpoints says what it means. */
export function* noWeight(snapshot: Snapshot): Steps<Diagnostic[]> {
  const found: Diagnostic[] = [];
  let index = 0;
  for (const cluster of snapshot.cluster.values()) {
    if (shouldYield(index++)) yield;
    const { endpoints, locality } = cluster.body;
    if (endpoints.length === 0 || endpoints.some((each) => isServing(each, locality))) continue;
    const message = "every endpoint or its zone has the weight 0, or it is drained or down: requests are answered 503";
    found.push(warning("LINT-NO-WEIGHT", cluster, { pointer: "/endpoints", message }));
  }
  return found;
}

function isServing(
  { weight, state = "active", zone = "" }: Cluster["endpoints"][number],
  locality: Cluster["locality"],
): boolean {
  return weight !== 0 && state === "active" && locality?.weights?.[zone] !== 0;
}
