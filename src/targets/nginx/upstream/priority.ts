/** Primaries and backups of an upstream group. */
import type { ClusterIr } from "../../../ir/index.ts";
import { oneBackupLevel, tooManyLevels } from "../../backupLevels.ts";
import { type Finding, foundByInspection, type Support } from "../../target.ts";

const noBackups = {
  refused: "differs among the endpoints of a cluster whose balance policy has no backups in nginx",
  code: "LB-BACKUP-HASH-NGINX",
  when: foundByInspection,
} as const satisfies Support;

/** What nginx says of `priority`. */
export const priorityCapabilities = {
  "cluster.endpoints[].priority": [oneBackupLevel, noBackups],
} as const satisfies Readonly<Record<string, Support>>;

/** `hash` and `random` refuse a server that is a backup. */
const WITH_BACKUPS: ReadonlySet<string> = new Set(["roundRobin", "leastRequest", "leastTime"]);

/** Errors about clusters whose levels nginx cannot have. */
export function inspectPriorities(clusters: readonly ClusterIr[]): readonly Finding[] {
  const refused = clusters.filter(
    ({ balance, endpoints }) => !WITH_BACKUPS.has(balance.policy) && endpoints.some(({ priority }) => priority > 0),
  );
  const found = refused.map(
    ({ name, balance }): Finding => ({
      code: noBackups.code,
      severity: "error",
      message: `cluster ${name}: nginx has no backups with the policy ${balance.policy}; give all its endpoints one \`priority\``,
      resource: { kind: "cluster", name },
      pointer: "/endpoints",
    }),
  );
  return [...tooManyLevels(clusters), ...found];
}
