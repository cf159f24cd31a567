/** Passive health with all defaults filled in. */
import { defaults } from "../../gen/defaults.ts";
import type { OutlierDetectionIr } from "../../ir/index.ts";
import { type Cluster, durationMs } from "../../model/index.ts";

const DEFAULTS = {
  consecutiveConnectFailures: defaults["cluster.outlierDetection.consecutiveConnectFailures"],
  interval: defaults["cluster.outlierDetection.interval"],
  ejectFor: defaults["cluster.outlierDetection.ejectFor"],
};

/** What a cluster says of endpoints that fail; null: nothing. */
export function outlierDetectionOf({ outlierDetection }: Cluster): OutlierDetectionIr | null {
  if (outlierDetection === undefined) return null;
  const { consecutiveConnectFailures, interval, ejectFor, consecutive5xx, maxEjectedPercent } = {
    ...DEFAULTS,
    ...outlierDetection,
  };
  return Object.freeze({
    connectFailures: consecutiveConnectFailures,
    serverErrors: consecutive5xx ?? null,
    intervalMs: durationMs(interval),
    ejectForMs: durationMs(ejectFor),
    maxEjectedPercent: maxEjectedPercent ?? null,
  });
}
