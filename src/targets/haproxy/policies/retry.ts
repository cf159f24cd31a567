/** When a request is tried again: HAProxy says it of a backend, so such rules have backends of their own (cluster/retry.ts) and no line. */
import type { RuleIr } from "../../../ir/index.ts";
import { retryStatuses, timeoutsOfTries } from "../../retrySupport.ts";
import type { Finding } from "../../target.ts";
import { tooManyBackends } from "../cluster/retry.ts";
import type { Policy } from "./policy.ts";

/** Statuses that `retry-on` of HAProxy 2.6 knows. */
const STATUSES: readonly number[] = [401, 403, 404, 408, 425, 500, 501, 502, 503, 504];

/** The policy. */
export const retry = {
  policy: "retry",
  changes: () => [],
  capabilities: {
    "route.rules[].retry.attempts": tooManyBackends,
    "route.rules[].retry.on[]": "exact",
    "route.rules[].retry.statuses[]": retryStatuses("HAProxy", STATUSES),
    "route.rules[].retry.methods[]": "exact",
    "route.rules[].retry.perTryTimeout": timeoutsOfTries.silence,
    "route.rules[].retry.backoff": timeoutsOfTries.noBackoff,
  },
} as const satisfies Policy<"retry">;

/** What no single leaf shows of a rule's `retry`. */
export function inspectRetry(rule: RuleIr): readonly Finding[] {
  return timeoutsOfTries.inspect(rule);
}
