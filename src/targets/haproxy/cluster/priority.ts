/** Primaries and backups of a backend. */
import type { ClusterIr } from "../../../ir/index.ts";
import { oneBackupLevel } from "../../backupLevels.ts";
import type { Support } from "../../target.ts";

/** What HAProxy says of `priority`. */
export const priorityCapabilities = {
  "cluster.endpoints[].priority": oneBackupLevel,
} as const satisfies Readonly<Record<string, Support>>;

/** Whether a backend has backups; HAProxy uses the first of them only unless it is told otherwise. */
export function hasBackups({ endpoints }: ClusterIr): boolean {
  return endpoints.some(({ priority }) => priority > 0);
}
