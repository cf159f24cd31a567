/** How long clients may take, as lines of a frontend. */
import { type ClientTimeoutsIr, USUAL_CLIENT_TIMEOUTS } from "../../ir/index.ts";
import type { Quoted } from "../../util/templates.ts";
import { number, time } from "./quote.ts";

type Time = Quoted<"time">;

/** A body of announced length up to this is waited for: with a head of usual size it fits into a buffer, and most bodies are shorter. */
const WAITED_BODY_BYTES = 16_384;
/** The client's silence is what ends the wait; the directive wants a limit of its own: the longest of the model. */
const BODY_WAIT_MS = 24 * 60 * 60 * 1000;

/** Of `defaults http`. */
export interface UsualClientTimeoutsView {
  readonly waitedBodyBytes: Quoted<"number">;
  readonly bodyWait: Time;
  readonly client: Time;
  readonly headers: Time;
  readonly keepAlive: Time;
}

/** Of a frontend; null: what the defaults say. */
export interface ClientTimeoutsView {
  readonly clientTimeout: Time | null;
  readonly headersTimeout: Time | null;
  readonly keepAliveTimeout: Time | null;
}

/** HAProxy has one limit for both: `timeout client`. The longer one, so that no client is cut who may take that long. */
export function clientSilenceMs({ bodyMs, sendMs }: ClientTimeoutsIr): number {
  return Math.max(bodyMs, sendMs);
}

/** What the defaults say. */
export const usualClientTimeouts: UsualClientTimeoutsView = {
  waitedBodyBytes: number(WAITED_BODY_BYTES),
  bodyWait: time(BODY_WAIT_MS),
  client: time(clientSilenceMs(USUAL_CLIENT_TIMEOUTS)),
  headers: time(USUAL_CLIENT_TIMEOUTS.headersMs),
  keepAlive: time(USUAL_CLIENT_TIMEOUTS.keepAliveMs),
};

/** What a frontend has to say itself. */
export function clientTimeoutsView(timeouts: ClientTimeoutsIr): ClientTimeoutsView {
  const unlessUsual = (of: (timeouts: ClientTimeoutsIr) => number): Time | null =>
    of(timeouts) === of(USUAL_CLIENT_TIMEOUTS) ? null : time(of(timeouts));
  return {
    clientTimeout: unlessUsual(clientSilenceMs),
    headersTimeout: unlessUsual(({ headersMs }) => headersMs),
    keepAliveTimeout: unlessUsual(({ keepAliveMs }) => keepAliveMs),
  };
}
