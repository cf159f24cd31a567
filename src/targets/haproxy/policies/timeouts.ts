/** How long an endpoint may be silent. */
import type { Support } from "../../target.ts";
import { time } from "../quote.ts";
import type { Policy } from "./policy.ts";

/** What holds for rules that ask for nothing else: the schema's default, written in `defaults http`. */
export const DEFAULT_IDLE_MS = 60_000;

const totalTimeout = {
  approximated:
    "is a limit on silence here: HAProxy has no limit on a whole request. The backend may stay silent for the smaller " +
    "of `request` and `idle`; an answer that trickles can take longer.",
  code: "L7-TIMEOUT-TOTAL",
} as const satisfies Support;

/** No total limit in HAProxy: silence is cut at the smaller of the two. */
export const timeouts = {
  policy: "timeouts",
  changes({ idleMs, requestMs }) {
    const silence = Math.min(idleMs, requestMs ?? idleMs);
    if (silence === DEFAULT_IDLE_MS) return [];
    const view = { time: time(silence) };
    return [{ template: "timeouts", map: "timeouts", group: "timeouts", value: String(silence), view, comment: null }];
  },
  capabilities: {
    "route.rules[].timeouts.request": totalTimeout,
    "route.rules[].timeouts.idle": "exact",
  },
} as const satisfies Policy<"timeouts">;
