/** `timeouts`: how long the endpoint may be silent. */
import type { RuleIr } from "../../../ir/index.ts";
import { timeoutsOfTries } from "../../retrySupport.ts";
import { isShorterThan } from "../../shortDurations.ts";
import { block, NO_BLOCK } from "../blocks.ts";
import { moduleOf } from "../forwardModule.ts";
import { milliseconds } from "../quote.ts";
import type { Block } from "../views.ts";
import { type Policy, UNCHANGED } from "./policy.ts";

/** What common.conf says; the model's default. */
export const USUAL_IDLE_MS = 60_000;
/** nginx does not move a running timer by less than this (NGX_TIMER_LAZY_DELAY): a tenth of it is lost below 3 s. */
const EARLY_BELOW_MS = 3000;
/** What nginx takes for "no limit" on the time for tries. */
const NO_LIMIT_MS = 0;

/** `timeouts`: how long nginx waits for an upstream. */
export const timeouts = {
  name: "timeouts",
  capabilities: {
    "route.rules[].timeouts.request": [
      {
        approximated:
          "becomes an inactivity timeout: nginx has no limit for the whole request, so an answer that trickles can exceed it",
        code: "L7-TIMEOUT-TOTAL",
      },
      timeoutsOfTries.total,
    ],
    "route.rules[].timeouts.idle": {
      approximated:
        "may end up to 300 ms early while a reply trickles: nginx does not move a timer by less than that; it matters below 3 s",
      code: "L7-TIMEOUT-EARLY",
      when: isShorterThan(EARLY_BELOW_MS),
    },
  },
  lower: ({ idleMs, requestMs }, rule) => {
    const { retry } = rule.policies;
    const linesOf = (silenceMs: number, triesMs: number): Block => linesFor(rule, silenceMs, triesMs);
    const silenceMs = Math.min(idleMs, requestMs ?? Number.POSITIVE_INFINITY);
    const perTryMs = retry?.resends?.perTryMs ?? null;
    if (silenceMs === USUAL_IDLE_MS && perTryMs === null) return UNCHANGED;
    // After silence no time is left to try again: unless it is a reason to.
    const once = silenceMs === USUAL_IDLE_MS ? NO_BLOCK : linesOf(silenceMs, silenceMs);
    const lines = perTryMs === null ? once : linesOf(perTryMs, requestMs ?? NO_LIMIT_MS);
    const own = perTryMs === null ? { lines } : { lines, onceLines: once };
    // A call is no tunnel.
    return silenceMs === idleMs || rule.protocol === "grpc" ? own : { ...own, webSocketLines: linesOf(idleMs, idleMs) };
  },
} as const satisfies Policy<"timeouts">;

function linesFor(rule: RuleIr, silenceMs: number, triesMs: number): Block {
  const module = moduleOf(rule);
  return block("policies/timeouts", { module, idle: milliseconds(silenceMs), tries: milliseconds(triesMs) });
}
