/** `drainTimeout` where what a reload leaves behind ends with the fleet's grace, whatever it is connected to. */
import type { FleetIr } from "../ir/index.ts";
import { type Finding, foundByInspection, type Support } from "./target.ts";

/** As in a capability table; only the cluster and the fleet together show it. */
export const notBeforeGrace = {
  refused:
    "is shorter than the fleet's `process.shutdownGrace`, for which processes of before a reload keep their connections",
  code: "DRAIN-TIMEOUT-GRACE",
  when: foundByInspection,
} as const satisfies Support;

/** An error about each cluster whose limit could not be kept in old processes. */
export function inspectDrains({ clusters, process }: FleetIr): readonly Finding[] {
  return clusters
    .filter(({ drainTimeoutMs }) => drainTimeoutMs !== null && drainTimeoutMs < process.shutdownGraceMs)
    .map(({ name }) => ({
      code: notBeforeGrace.code,
      severity: "error",
      message: `cluster ${name}: \`drainTimeout\` ${notBeforeGrace.refused} (${process.shutdownGraceMs / 1_000} s)`,
      resource: { kind: "cluster", name },
      pointer: "/drainTimeout",
    }));
}
