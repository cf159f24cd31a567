/** Fits limits of clusters to each other, and to who reaches them. */
import type { Document, Item } from "./names.ts";

interface Limits {
  maxConnectionsPerEndpoint?: number;
  maxPending?: number;
  queueTimeout?: string;
}

/** What waits, waits for an endpoint; a cluster with limits is reached by HTTP alone or by one TCP listener. Changes the document. */
export function mendLimits({ clusters = [], routes = [] }: Document): void {
  for (const cluster of clusters) {
    if (cluster.limits === undefined) continue;
    const limits = cluster.limits as Limits;
    // nginx sends what is too much for an endpoint to its backups.
    if ((cluster.endpoints as { priority?: number }[]).some(({ priority = 0 }) => priority > 0))
      delete limits.maxConnectionsPerEndpoint;
    if (limits.maxConnectionsPerEndpoint === undefined) delete limits.maxPending;
    if (limits.maxPending === undefined) delete limits.queueTimeout;
    if (Object.keys(limits).length === 0 || placesOf(cluster.name, routes) > 1) delete cluster.limits;
  }
}

function placesOf(cluster: string, routes: readonly Item[]): number {
  const own = routes.filter(({ rules }) => JSON.stringify(rules).includes(`"cluster":${JSON.stringify(cluster)}`));
  const ofTcp = own.filter(({ protocol }) => protocol === "tcp");
  const tcpPlaces = ofTcp.reduce((sum, { listeners }) => sum + (listeners as string[]).length, 0);
  return tcpPlaces + (own.length > ofTcp.length ? 1 : 0);
}
