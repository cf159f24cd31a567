import { durationMs } from "../values.ts";
import { problem, type Rule, touchedOf } from "./rule.ts";

/** Once a second it is looked what is left. */
const MIN_MS = 1_000;

/** A limit that can be kept: clients that remember an endpoint come back to it while it drains, again and again. */
export const drainTimeout: Rule = function* (_snapshot, touched) {
  for (const cluster of touchedOf(touched, "cluster")) {
    const { drainTimeout: own, affinity } = cluster.body;
    if (own === undefined) continue;
    const at = { pointer: "/drainTimeout" };
    if (durationMs(own) < MIN_MS)
      yield problem("MODEL-DRAIN-TIMEOUT", cluster, { ...at, message: `${own} must be 1s at least` });
    if (affinity === undefined) continue;
    const message =
      "with affinity the clients of an endpoint that drains come back to it: set its `state` down instead";
    yield problem("MODEL-DRAIN-TIMEOUT", cluster, { ...at, message });
  }
};
