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
    // nginx sends what is too much for an endpoint to its backups, and has groups of servers and backups where these two are asked for.
    const hasBackups = (cluster.endpoints as { priority?: number }[]).some(({ priority = 0 }) => priority > 0);
    if (hasBackups || cluster.affinity !== undefined || cluster.outlierDetection !== undefined)
      delete limits.maxConnectionsPerEndpoint;
    if (limits.maxConnectionsPerEndpoint === undefined) delete limits.maxPending;
    if (limits.maxPending === undefined) delete limits.queueTimeout;
    if (Object.keys(limits).length === 0 || placesOf(cluster.name, routes) > 1) delete cluster.limits;
  }
}

/** By UDP none is reached; a route by server name may be several, each with certificates or settings of its own. */
const MANY = 2;

interface RuleOfRoute {
  readonly split?: readonly { readonly cluster: string }[];
  readonly retry?: object;
}

/** Where its requests and connections would be counted: HAProxy counts those of each `retry` apart. */
function placesOf(cluster: string, routes: readonly Item[]): number {
  let ofTcp = 0;
  const retries = new Set<string | undefined>();
  for (const { protocol, listeners, rules } of routes) {
    const own = (rules as RuleOfRoute[]).filter(({ split = [] }) => split.some((share) => share.cluster === cluster));
    if (own.length === 0) continue;
    if (protocol === "udp" || protocol === "tls") return MANY;
    if (protocol === "tcp") ofTcp += (listeners as string[]).length;
    else for (const { retry } of own) retries.add(JSON.stringify(retry));
  }
  return ofTcp + retries.size;
}
