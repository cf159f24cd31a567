import { durationMs } from "../values.ts";
import { problem, type Rule, touchedOf } from "./rule.ts";

/** Envoy counts in seconds. */
const SECOND_MS = 1_000;
/** Of a longer one no reload would ever be over: with one a minute there are sixty times the processes by then. */
const MAX_GRACE_MS = 60 * 60 * SECOND_MS;

/** The grace of a fleet is what every proxy can be told: whole seconds, and bounded. */
export const process: Rule = function* (_snapshot, touched) {
  for (const fleet of touchedOf(touched, "fleet")) {
    const { shutdownGrace } = fleet.body.process ?? {};
    if (shutdownGrace === undefined) continue;
    const ms = durationMs(shutdownGrace);
    if (ms % SECOND_MS === 0 && ms <= MAX_GRACE_MS) continue;
    const message = `${shutdownGrace} must be whole seconds, from 1s to 1h`;
    yield problem("MODEL-PROCESS", fleet, { pointer: "/process/shutdownGrace", message });
  }
};
