import type { Diagnostic } from "../../errors/diagnostic.ts";
import { defaults } from "../../gen/defaults.ts";
import { type Steps, shouldYield } from "../../util/steps.ts";
import { warning } from "../rules/rule.ts";
import type { Snapshot } from "../types.ts";
import { durationMs } from "../values.ts";

/** A probe that may take longer than the time to the next one: proxies then probe more rarely than the interval says. */
export function* checkTimes(snapshot: Snapshot): Steps<Diagnostic[]> {
  const found: Diagnostic[] = [];
  let index = 0;
  for (const check of snapshot.healthCheck.values()) {
    if (shouldYield(index++)) yield;
    const { interval = defaults["healthCheck.interval"], timeout = defaults["healthCheck.timeout"] } = check.body;
    if (durationMs(timeout) <= durationMs(interval)) continue;
    const pointer = check.body.timeout === undefined ? "/interval" : "/timeout";
    const message = `the timeout (${timeout}) is longer than the interval (${interval}): probes are late then`;
    found.push(warning("LINT-CHECK-TIMEOUT", check, { pointer, message }));
  }
  return found;
}
