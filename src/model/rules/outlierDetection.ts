import { durationMs } from "../values.ts";
import { problem, type Rule, touchedOf } from "./rule.ts";

const SECOND_MS = 1_000;
/** An endpoint that is out for longer is forgotten by everybody: whoever wants that writes a state. */
const MAX_MS = 60 * 60 * SECOND_MS;
/** Envoy looks at all endpoints of the cluster each time. */
const MIN_INTERVAL_MS = 100;

/** Times of passive health are what every proxy can be told: nginx counts in seconds. */
export const outlierDetection: Rule = function* (_snapshot, touched) {
  for (const cluster of touchedOf(touched, "cluster")) {
    const { interval, ejectFor } = cluster.body.outlierDetection ?? {};
    const at = (field: string, message: string) =>
      problem("MODEL-OUTLIER", cluster, { pointer: `/outlierDetection/${field}`, message });
    if (ejectFor !== undefined && !isWithin(durationMs(ejectFor), SECOND_MS, SECOND_MS))
      yield at("ejectFor", `${ejectFor} must be whole seconds, from 1s to 1h`);
    if (interval !== undefined && !isWithin(durationMs(interval), MIN_INTERVAL_MS, 1))
      yield at("interval", `${interval} must be from 100ms to 1h`);
  }
};

function isWithin(ms: number, leastMs: number, stepMs: number): boolean {
  return ms >= leastMs && ms <= MAX_MS && ms % stepMs === 0;
}
