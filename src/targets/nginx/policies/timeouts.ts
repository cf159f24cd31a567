/** `timeouts`: how long the endpoint may be silent. */
import type { JsonValue } from "../../../ir/index.ts";
import { block } from "../blocks.ts";
import { milliseconds } from "../quote.ts";
import { type Policy, UNCHANGED } from "./policy.ts";

/** What common.conf says; the model's default. */
export const USUAL_IDLE_MS = 60_000;
/** nginx does not move a running timer by less than this (NGX_TIMER_LAZY_DELAY): a tenth of it is lost below 3 s. */
const EARLY_BELOW_MS = 3000;

/** Of a valid duration; one with minutes or hours is longer. */
function mayEndEarly(duration: JsonValue): boolean {
  const parts = typeof duration === "string" ? /^(?:(\d+)s)?(?:(\d+)ms)?$/.exec(duration) : null;
  return parts !== null && Number(parts[1] ?? 0) * 1000 + Number(parts[2] ?? 0) < EARLY_BELOW_MS;
}

/** `timeouts`: how long nginx waits for an upstream. */
export const timeouts = {
  name: "timeouts",
  capabilities: {
    "route.rules[].timeouts.request": {
      approximated:
        "becomes an inactivity timeout: nginx has no limit for the whole request, so an answer that trickles can exceed it",
      code: "L7-TIMEOUT-TOTAL",
    },
    "route.rules[].timeouts.idle": {
      approximated:
        "may end up to 300 ms early while a reply trickles: nginx does not move a timer by less than that; it matters below 3 s",
      code: "L7-TIMEOUT-EARLY",
      when: mayEndEarly,
    },
  },
  lower: ({ idleMs, requestMs }) => {
    const idle = Math.min(idleMs, requestMs ?? Number.POSITIVE_INFINITY);
    return idle === USUAL_IDLE_MS ? UNCHANGED : { lines: block("policies/timeouts", { idle: milliseconds(idle) }) };
  },
} as const satisfies Policy<"timeouts">;
