/** How long a listener's clients may take, defaults filled in. */
import { defaults } from "../../gen/defaults.ts";
import { type ClientTimeoutsIr, USUAL_CLIENT_TIMEOUTS } from "../../ir/index.ts";
import { durationMs, type Listener } from "../../model/index.ts";
import { reuse } from "../reuse.ts";

const DEFAULTS = {
  headersTimeout: defaults["listener.http.headersTimeout"],
  bodyTimeout: defaults["listener.http.bodyTimeout"],
  sendTimeout: defaults["listener.http.sendTimeout"],
  keepAliveTimeout: defaults["listener.http.keepAliveTimeout"],
};

/** Gives `before` itself when it says the same: so nearly all ports have one object. */
export function clientTimeouts({ http }: Listener, before = USUAL_CLIENT_TIMEOUTS): ClientTimeoutsIr {
  const { headersTimeout, bodyTimeout, sendTimeout, keepAliveTimeout } = { ...DEFAULTS, ...http };
  return reuse<ClientTimeoutsIr>(before, {
    headersMs: durationMs(headersTimeout),
    bodyMs: durationMs(bodyTimeout),
    sendMs: durationMs(sendTimeout),
    keepAliveMs: durationMs(keepAliveTimeout),
  });
}
