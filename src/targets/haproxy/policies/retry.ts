/** When a request is tried again: HAProxy says it of a backend, so such rules have backends of their own (cluster/retry.ts) and no line. */
import type { RuleIr } from "../../../ir/index.ts";
import { noGrpcRetry } from "../../grpcSupport.ts";
import { retryStatuses, timeoutsOfTries } from "../../retrySupport.ts";
import { type Finding, foundByInspection, type Support } from "../../target.ts";
import { tooManyBackends } from "../cluster/retry.ts";
import type { Policy } from "./policy.ts";

/** Statuses that `retry-on` of HAProxy 2.6 knows. */
const STATUSES: readonly number[] = [401, 403, 404, 408, 425, 500, 501, 502, 503, 504];

/** Those that came later (its documentation; not run here). */
const MORE_STATUSES = { since: [3, 4, 0], statuses: [421, 429] } as const;

/** Of a hash HAProxy always finds the same two in turn; with other policies it is chance (100 of 200 requests at 50 at once). */
const previousOnly = {
  approximated:
    "of two or more: HAProxy keeps each try off the endpoint of the try before, not off all that were tried, so a third try may meet the " +
    "first endpoint again",
  code: "L7-RETRY-PREVIOUS-HAPROXY",
  when: foundByInspection,
} as const satisfies Support;

/** The policy. */
export const retry = {
  policy: "retry",
  changes: () => [],
  capabilities: {
    "route.rules[].retry.attempts": [tooManyBackends, previousOnly],
    "route.rules[].retry.on[]": "exact",
    "route.rules[].retry.statuses[]": retryStatuses("HAProxy", STATUSES, MORE_STATUSES),
    "route.rules[].retry.grpcStatuses[]": noGrpcRetry("HAProxy"),
    "route.rules[].retry.methods[]": "exact",
    "route.rules[].retry.perTryTimeout": timeoutsOfTries.silence,
    "route.rules[].retry.backoff": timeoutsOfTries.noBackoff,
  },
} as const satisfies Policy<"retry">;

/** What no single leaf shows of a rule's `retry`. */
export function inspectRetry(rule: RuleIr): readonly Finding[] {
  const { policies, name, route, pointer } = rule;
  if (policies.retry === null) return NONE;
  const found = timeoutsOfTries.inspect(rule);
  if (policies.retry.attempts < 2) return found;
  const message = `rule ${name}: \`retry.attempts\` ${previousOnly.approximated}`;
  const resource = { kind: "route", name: route } as const;
  return [...found, { code: previousOnly.code, severity: "warning", message, resource, pointer: `${pointer}/retry` }];
}

const NONE: readonly Finding[] = [];
