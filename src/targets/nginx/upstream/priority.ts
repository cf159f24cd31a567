/** Primaries and backups of an upstream group. */
import type { ClusterIr, FleetIr } from "../../../ir/index.ts";
import { oneBackupLevel, tooManyLevels } from "../../backupLevels.ts";
import { type Finding, foundByInspection, type Support } from "../../target.ts";
import { udpClusters } from "../udpSupport.ts";

const noBackups = {
  refused: "differs among the endpoints of a cluster whose balance policy has no backups in nginx",
  code: "LB-BACKUP-HASH-NGINX",
  when: foundByInspection,
} as const satisfies Support;

const noLocal = {
  refused: "is of a cluster whose balance policy has no backups in nginx",
  code: "LB-BACKUP-HASH-NGINX",
  when: foundByInspection,
} as const satisfies Support;

/** What nginx says of `priority`, and of what is made of it. */
export const priorityCapabilities = {
  "cluster.endpoints[].priority": [oneBackupLevel, noBackups],
  "cluster.locality.preferLocal.table": noLocal,
} as const satisfies Readonly<Record<string, Support>>;

/** `hash` and `random` refuse a server that is a backup. */
const WITH_BACKUPS: ReadonlySet<string> = new Set(["roundRobin", "leastRequest", "leastTime"]);

/** Whether a group can have backups. */
export function takesBackups({ balance }: ClusterIr): boolean {
  return WITH_BACKUPS.has(balance.policy);
}

/** Errors about clusters whose levels nginx cannot have. */
export function inspectPriorities(ir: FleetIr): readonly Finding[] {
  const { clusters } = ir;
  const { sessions } = udpClusters(ir);
  const found = clusters.flatMap((cluster): Finding[] => {
    const { name, balance, endpoints, near } = cluster;
    if (!endpoints.some(({ priority }) => priority > 0)) return [];
    const hashes = !takesBackups(cluster);
    if (!hashes && !sessions.has(name)) return [];
    if (near !== null) return [withoutLocal(near.cluster, balance.policy)];
    const why = hashes ? `with the policy ${balance.policy}` : "for UDP sessions, which it hashes";
    const message = `cluster ${name}: nginx has no backups ${why}; give all its endpoints one \`priority\``;
    return [
      { code: noBackups.code, severity: "error", message, resource: { kind: "cluster", name }, pointer: "/endpoints" },
    ];
  });
  return [...tooManyLevels(clusters), ...found];
}

/** A cluster for clients near a zone has the others as backups. */
function withoutLocal(name: string, policy: string): Finding {
  const why = `nginx has no backups with the policy ${policy}, and \`locality.preferLocal\` needs them`;
  const message = `cluster ${name}: ${why}; take another policy`;
  const resource = { kind: "cluster", name } as const;
  return { code: noLocal.code, severity: "error", message, resource, pointer: "/locality/preferLocal/table" };
}
