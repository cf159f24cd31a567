import { canaryRule } from "../canaryRule.ts";
import { stateOf } from "../canaryState.ts";
import type { Resource, Snapshot } from "../types.ts";
import { problem, type Rule, touchedOf } from "./rule.ts";

const CODE = "MODEL-CANARY";

/** A canary moves traffic between two clusters of one rule's split; its step exists; no two canaries move one rule. */
export const canaries: Rule = function* (snapshot, touched) {
  const list = touchedOf(touched, "canary");
  for (const canary of list) {
    const { body } = canary;
    if (body.stable === body.canary)
      yield problem(CODE, canary, { pointer: "/canary", message: "stable and canary are the same cluster" });
    if (stateOf(body).step >= body.steps.length) {
      yield problem(CODE, canary, {
        pointer: "/state/step",
        message: `there are only ${body.steps.length} steps, counted from 0`,
      });
    }
    const route = snapshot.route.get(body.route);
    if (route === undefined) continue;
    const index = canaryRule(body, route.body);
    const split = index === null ? undefined : route.body.rules[index]?.split;
    if (index === null)
      yield problem(CODE, canary, {
        pointer: "/rule",
        message: `route ${JSON.stringify(body.route)} has no such rule`,
      });
    else if (split === undefined) yield problem(CODE, canary, { pointer: "/rule", message: "the rule has no split" });
    else {
      yield* clustersInSplit(
        canary,
        split.map(({ cluster }) => cluster),
      );
      yield* otherCanaries(snapshot, canary, index);
    }
  }
};

function* clustersInSplit(canary: Resource<"canary">, split: readonly string[]) {
  for (const role of ["stable", "canary"] as const) {
    const name = canary.body[role];
    if (!split.includes(name))
      yield problem(CODE, canary, {
        pointer: `/${role}`,
        message: `cluster ${JSON.stringify(name)} is not in the rule's split`,
      });
  }
  const others = split.filter((name) => name !== canary.body.stable && name !== canary.body.canary);
  if (others.length > 0) {
    yield problem(CODE, canary, {
      pointer: "/rule",
      message: `the rule's split has other clusters (${others.join(", ")}); a canary moves traffic between exactly two`,
    });
  }
}

function* otherCanaries(snapshot: Snapshot, canary: Resource<"canary">, index: number) {
  for (const other of snapshot.canary.values()) {
    if (other.name === canary.name || other.body.route !== canary.body.route) continue;
    const route = snapshot.route.get(other.body.route);
    if (route === undefined || canaryRule(other.body, route.body) !== index) continue;
    yield problem(CODE, canary, {
      pointer: "/rule",
      message: `canary ${JSON.stringify(other.name)} moves this rule already`,
    });
  }
}
