/** Time limits of a forwarded request, defaults filled in. */
import { defaults } from "../../gen/defaults.ts";
import { durationMs } from "../../model/index.ts";
import type { Policy } from "./policy.ts";

const DEFAULT_IDLE_MS = durationMs(defaults["route.rules[].timeouts.idle"]);
/** One object for nearly all rules. */
const DEFAULTS = Object.freeze({ idleMs: DEFAULT_IDLE_MS, requestMs: null });

/** Of every rule with a split. */
export const timeouts: Policy<"timeouts"> = {
  policy: "timeouts",
  of({ split, timeouts: body }) {
    if (split === undefined) return null;
    const idleMs = body?.idle === undefined ? DEFAULT_IDLE_MS : durationMs(body.idle);
    const requestMs = body?.request === undefined ? null : durationMs(body.request);
    return idleMs === DEFAULTS.idleMs && requestMs === null ? DEFAULTS : { idleMs, requestMs };
  },
};
