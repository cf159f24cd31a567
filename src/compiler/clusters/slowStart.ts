/** Slow start with all defaults filled in. */
import { defaults } from "../../gen/defaults.ts";
import type { SlowStartIr } from "../../ir/index.ts";
import { type Cluster, durationMs } from "../../model/index.ts";

/** What a cluster says of it; null: endpoints have their whole share at once. */
export function slowStartOf({ slowStart }: Cluster): SlowStartIr | null {
  if (slowStart === undefined) return null;
  const { window, minPercent = defaults["cluster.slowStart.minPercent"] } = slowStart;
  return Object.freeze({ windowMs: durationMs(window), minPercent });
}
