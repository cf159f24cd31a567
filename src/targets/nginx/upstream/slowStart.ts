/** Slow start, which nginx does not have. */
import type { Support } from "../../target.ts";

const noSlowStart = {
  refused:
    "cannot be done: nginx has no slow start (only nginx Plus has); leave it off, or serve the cluster with Envoy or HAProxy",
  code: "SLOWSTART-NGINX",
} as const satisfies Support;

/** What nginx says of the leaves of `slowStart`. */
export const slowStartCapabilities = {
  "cluster.slowStart.window": noSlowStart,
  "cluster.slowStart.minPercent": noSlowStart,
} as const satisfies Readonly<Record<string, Support>>;
