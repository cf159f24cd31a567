import { problem, type Rule, touchedOf } from "./rule.ts";

/** `http` belongs to type http; a status range runs upwards. */
export const healthChecks: Rule = function* (_snapshot, touched) {
  for (const check of touchedOf(touched, "healthCheck")) {
    if (check.body.type !== "http" && check.body.http !== undefined) {
      yield problem("MODEL-HEALTH-CHECK", check, { pointer: "/http", message: "has a meaning only with type http" });
    }
    for (const [index, range] of (check.body.http?.expectedStatus ?? []).entries()) {
      const [low, high = low] = range.split("-").map(Number) as [number, number?];
      if (high < low)
        yield problem("MODEL-HEALTH-CHECK", check, {
          pointer: `/http/expectedStatus/${index}`,
          message: `${range} is empty: it runs downwards`,
        });
    }
  }
};
