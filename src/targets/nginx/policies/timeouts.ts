/** `timeouts`: how long the endpoint may be silent. */
import { isShorterThan } from "../../shortDurations.ts";
import { block } from "../blocks.ts";
import { milliseconds } from "../quote.ts";
import type { Block } from "../views.ts";
import { type Policy, UNCHANGED } from "./policy.ts";

/** What common.conf says; the model's default. */
export const USUAL_IDLE_MS = 60_000;
/** nginx does not move a running timer by less than this (NGX_TIMER_LAZY_DELAY): a tenth of it is lost below 3 s. */
const EARLY_BELOW_MS = 3000;

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
      when: isShorterThan(EARLY_BELOW_MS),
    },
  },
  lower: ({ idleMs, requestMs }) => {
    const silenceMs = Math.min(idleMs, requestMs ?? Number.POSITIVE_INFINITY);
    if (silenceMs === USUAL_IDLE_MS) return UNCHANGED;
    const lines = linesOf(silenceMs);
    return silenceMs === idleMs ? { lines } : { lines, webSocketLines: linesOf(idleMs) };
  },
} as const satisfies Policy<"timeouts">;

function linesOf(silenceMs: number): Block {
  return block("policies/timeouts", { idle: milliseconds(silenceMs) });
}
