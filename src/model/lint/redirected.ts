import type { Diagnostic } from "../../errors/diagnostic.ts";
import { type Steps, shouldYield } from "../../util/steps.ts";
import { isChallengePath } from "../redirectToHttps.ts";
import { warning } from "../rules/rule.ts";
import type { Route, Snapshot } from "../types.ts";

/** Rules of routes whose listeners send everybody to HTTPS. A route that has a listener of HTTPS beside them is meant so. */
export function* redirected(snapshot: Snapshot): Steps<Diagnostic[]> {
  const found: Diagnostic[] = [];
  let index = 0;
  for (const route of snapshot.route.values()) {
    if (shouldYield(index++)) yield;
    const { listeners, rules } = route.body;
    if (listeners.some((name) => snapshot.listener.get(name)?.body.http?.redirectToHttps === undefined)) continue;
    for (const [place, rule] of rules.entries()) {
      if (isServed(rule)) continue;
      const message =
        "this rule is never reached: its listeners redirect to HTTPS; attach the route to an HTTPS listener";
      found.push(warning("LINT-REDIRECTED", route, { pointer: `/rules/${place}`, message }));
    }
  }
  return found;
}

function isServed({ matches = [] }: Route["rules"][number]): boolean {
  return matches.some(({ path }) => {
    if (path?.exact !== undefined) return isChallengePath("exact", path.exact);
    return path?.prefix !== undefined && isChallengePath("prefix", path.prefix);
  });
}
