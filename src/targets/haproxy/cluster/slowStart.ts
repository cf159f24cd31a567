/** Slow start of a backend's servers. */
import type { Support } from "../../target.ts";

const onlyAfterFailure = {
  approximated:
    "holds for endpoints that were out (health check, `outlierDetection`), grows once a second, and not for those that are new or were drained: HAProxy gives these their whole share at once.",
  code: "SLOWSTART-HAPROXY",
} as const satisfies Support;

const fixedBegin = {
  approximated: "is 6 whatever it says: in HAProxy a share begins with one sixteenth.",
  code: "SLOWSTART-MIN-HAPROXY",
} as const satisfies Support;

/** What HAProxy says of the leaves of `slowStart`. */
export const slowStartCapabilities = {
  "cluster.slowStart.window": onlyAfterFailure,
  "cluster.slowStart.minPercent": fixedBegin,
} as const satisfies Readonly<Record<string, Support>>;
