/** How long an endpoint may be silent. */
import { timeoutsOfTries } from "../../retrySupport.ts";
import { isShorterThan } from "../../shortDurations.ts";
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

const foundLate = {
  approximated:
    "does not hold for requests whose body is chunked or longer than 16 KiB: while it passes a body on, HAProxy cannot tell " +
    "the endpoint's silence from the client's, and leaves both 60 s.",
  code: "L7-TIMEOUT-IDLE",
  when: isShorterThan(DEFAULT_IDLE_MS),
} as const satisfies Support;

/** No total limit in HAProxy: silence is cut at the smaller of the two; that of a WebSocket, which has no end to wait for, at `idle`. */
export const timeouts = {
  policy: "timeouts",
  changes({ idleMs, requestMs }, { protocol }) {
    const silenceMs = Math.min(idleMs, requestMs ?? idleMs);
    const isShort = silenceMs < DEFAULT_IDLE_MS;
    const server = change("timeouts", isShort ? "timeouts" : "timeouts.long", silenceMs);
    const tunnel = protocol === "grpc" ? [] : [change("tunnelTimeout", "tunnels", idleMs)];
    const changes = [{ ...server, view: { ...server.view, isShort } }, ...tunnel];
    return changes.filter(({ value }) => value !== String(DEFAULT_IDLE_MS));
  },
  capabilities: {
    "route.rules[].timeouts.request": [totalTimeout, timeoutsOfTries.total],
    "route.rules[].timeouts.idle": foundLate,
  },
} as const satisfies Policy<"timeouts">;

function change(template: string, map: string, milliseconds: number) {
  return {
    template,
    map,
    group: template,
    value: String(milliseconds),
    view: { time: time(milliseconds) },
    comment: null,
  };
}
