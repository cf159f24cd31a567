import { problem, type Rule, rulesOf, touchedOf } from "./rule.ts";

const CODE = "MODEL-RETRY";
const NEEDS_RESET =
  "needs `reset` in `on`: a proxy that sends a request again for this does so after a broken connection too";

/** Parts of `retry` that need each other, and ranges that run upwards. */
export const retry: Rule = function* (_snapshot, touched) {
  for (const route of touchedOf(touched, "route")) {
    for (const { rule, at } of rulesOf(route)) {
      if (rule.retry === undefined) continue;
      const { on, statuses, methods, perTryTimeout } = rule.retry;
      const place = `${at}/retry`;
      const resends = on === undefined || on.includes("reset");
      for (const [field, value] of Object.entries({ statuses, methods })) {
        if (value !== undefined && !resends)
          yield problem(CODE, route, { pointer: `${place}/${field}`, message: NEEDS_RESET });
      }
      if (!resends && on.includes("timeout"))
        yield problem(CODE, route, { pointer: `${place}/on/${on.indexOf("timeout")}`, message: NEEDS_RESET });
      if (perTryTimeout !== undefined && !on?.includes("timeout")) {
        const message = "needs `timeout` in `on`; without it only `timeouts` limits how long an answer may take";
        yield problem(CODE, route, { pointer: `${place}/perTryTimeout`, message });
      }
      for (const [index, range] of (statuses ?? []).entries()) {
        const [low, high = low] = range.split("-").map(Number) as [number, number?];
        if (high >= low) continue;
        const message = `${range} is empty: it runs downwards`;
        yield problem(CODE, route, { pointer: `${place}/statuses/${index}`, message });
      }
    }
  }
};
