/** Takes `locality.preferLocal` off clusters that cannot have it, and from those that have it what cannot stand beside it. */
import { WITH_BACKUPS } from "./mendBalance.ts";
import type { Document } from "./names.ts";

interface Locality {
  readonly weights?: object;
  preferLocal?: { table: string };
}

/** Of HTTP, with a policy that has backups on nginx; all by one table, for clusters of one split must have one. Changes the document. */
export function mendPreferLocal({ clusters = [], routes = [], geoTables = [] }: Document): void {
  const ofBytes = routes
    .filter(({ protocol }) => ["tcp", "tls", "udp"].includes(protocol as string))
    .map(({ rules }) => rules);
  const [table] = geoTables;
  for (const cluster of clusters) {
    const locality = cluster.locality as Locality | undefined;
    if (locality?.preferLocal === undefined) continue;
    const { policy } = (cluster.balance as { policy: string } | undefined) ?? { policy: "roundRobin" };
    const isOfBytes = (ofBytes as { split?: { cluster: string }[] }[][])
      .flat()
      .some(({ split = [] }) => split.some((share) => share.cluster === cluster.name));
    if (table === undefined || isOfBytes || !WITH_BACKUPS.includes(policy)) {
      delete locality.preferLocal;
      if (locality.weights === undefined) delete cluster.locality;
      continue;
    }
    locality.preferLocal.table = table.name;
    delete cluster.limits;
    for (const endpoint of cluster.endpoints as { priority?: number }[]) delete endpoint.priority;
  }
}
