/** Passive health, defaults filled in: endpoints that fail in the traffic itself are left out for a while. */
import type { ClusterIr } from "./cluster.ts";
import { isActive } from "./endpoint.ts";

export interface OutlierDetectionIr {
  /** Connections in a row that could not be made. */
  readonly connectFailures: number;
  /** Answers in a row with a status of 5xx; null: none counts. */
  readonly serverErrors: number | null;
  /** Between two looks at an endpoint that may come back. */
  readonly intervalMs: number;
  readonly ejectForMs: number;
  /** Null: all but one. */
  readonly maxEjectedPercent: number | null;
}

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
