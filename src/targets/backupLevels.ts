/** Endpoints in more levels than a proxy has: nginx and HAProxy know servers and their backups. */
import type { ClusterIr } from "../ir/index.ts";
import { type Finding, foundByInspection, type Support } from "./target.ts";

const LEVELS = 2;

/** Of a proxy with one level of backups, as in a capability table; only the cluster's endpoints together show it. */
export const oneBackupLevel = {
  refused: "has more than two values in one cluster: the proxy knows primaries and one level of backups",
  code: "LB-PRIO-LEVELS",
  when: foundByInspection,
} as const satisfies Support;

/** An error about each cluster with more levels. */
export function tooManyLevels(clusters: readonly ClusterIr[]): readonly Finding[] {
  return clusters
    .filter(({ endpoints }) => endpoints.some(({ priority }) => priority >= LEVELS))
    .map(({ name }) => ({
      code: oneBackupLevel.code,
      severity: "error",
      message: `cluster ${name}: \`priority\` ${oneBackupLevel.refused}`,
      resource: { kind: "cluster", name },
      pointer: "/endpoints",
    }));
}
