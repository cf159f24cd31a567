/** Whom passive health can leave out. */
import type { ClusterIr } from "./cluster.ts";
import { isActive } from "./endpoint.ts";
import type { OutlierDetectionIr } from "./outlierDetection.ts";

/** How a cluster leaves endpoints out; null where nobody asked, and where no other endpoint could take the traffic. */
export function ejectionOf({ outlierDetection, endpoints }: ClusterIr): OutlierDetectionIr | null {
  return endpoints.filter(isActive).length > 1 ? outlierDetection : null;
}

/**
 * Endpoints that proxies without a bound on what they leave out try when none is left: those of the last level. Of a cluster with
 * backups these are the backups, which are never left out. A health check fails closed, so then there are none.
 */
export function lastResort(cluster: ClusterIr): ClusterIr["endpoints"] {
  if (ejectionOf(cluster) === null || cluster.healthCheck !== null) return [];
  const active = cluster.endpoints.filter(isActive);
  const last = Math.max(...active.map(({ priority }) => priority));
  return active.filter(({ priority }) => priority === last);
}
