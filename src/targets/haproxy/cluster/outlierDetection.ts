/** Passive health of a backend: what its own traffic meets is observed, and a server that fails is marked down. */
import { type ClusterIr, type EndpointIr, ejectionOf, lastResort } from "../../../ir/index.ts";
import type { Quoted } from "../../../util/templates.ts";
import { allMayBeOut, noBoundOnEjected, ofOutlierDetection, withoutLastResort } from "../../outlierDetection.ts";
import { type Finding, foundByInspection, type Support } from "../../target.ts";
import { number, time } from "../quote.ts";

const backByProbes = {
  approximated:
    "brings an endpoint back as soon as its health check has passed `rise` times, whatever `ejectFor` says: HAProxy has one state for both",
  code: "OUTLIER-CHECKED-HAPROXY",
  when: foundByInspection,
} as const satisfies Support;

const oneCounter = {
  approximated:
    "counts 500, 502 to 504 and 506 to 599, broken answers, silence and connections that cannot be made together: the smaller of `consecutive5xx` and `consecutiveConnectFailures` holds, of TCP listeners the latter",
  code: "OUTLIER-5XX-HAPROXY",
} as const satisfies Support;

/** What HAProxy says of the leaves of `outlierDetection`. */
export const outlierDetectionCapabilities = {
  "cluster.outlierDetection.consecutiveConnectFailures": allMayBeOut,
  "cluster.outlierDetection.consecutive5xx": oneCounter,
  "cluster.outlierDetection.interval": "exact",
  "cluster.outlierDetection.ejectFor": backByProbes,
  "cluster.outlierDetection.maxEjectedPercent": noBoundOnEjected,
} as const satisfies Readonly<Record<string, Support>>;

/** Warnings about the clusters that ask for it. */
export function inspectOutlierDetection(clusters: readonly ClusterIr[]): readonly Finding[] {
  const probed = clusters.filter((cluster) => ejectionOf(cluster) !== null && cluster.healthCheck !== null);
  return [
    ...probed.map((cluster) => ofOutlierDetection(cluster, backByProbes.code, backByProbes.approximated)),
    ...withoutLastResort(clusters, () => true),
  ];
}

/** As `default-server` says it. */
export interface OutlierView {
  /** Whether answers count too. */
  readonly answers: boolean;
  readonly failures: Quoted<"number">;
  /** How a server comes back that is not probed; null: its health check brings it back. */
  readonly retry: { readonly first: Quoted<"time">; readonly next: Quoted<"time"> } | null;
}

/** Of one of a cluster's backends. Null: nobody is left out. */
export function outlierView(cluster: ClusterIr, isHttp: boolean): OutlierView | null {
  const ejection = ejectionOf(cluster);
  if (ejection === null) return null;
  const { connectFailures, serverErrors, ejectForMs, intervalMs } = ejection;
  const answers = isHttp && serverErrors !== null;
  return {
    answers,
    failures: number(answers ? Math.min(connectFailures, serverErrors) : connectFailures),
    retry: cluster.healthCheck === null ? { first: time(ejectForMs), next: time(intervalMs) } : null,
  };
}

/** Backups that are never left out. */
export function isNeverOut(cluster: ClusterIr): (endpoint: EndpointIr) => boolean {
  const never = new Set(lastResort(cluster).filter(({ priority }) => priority > 0));
  return (endpoint) => never.has(endpoint);
}

/** Endpoints that stand in the backend once more, as backups that are never left out: HAProxy would answer 503 when all are. */
export function onceMore(cluster: ClusterIr): readonly EndpointIr[] {
  return lastResort(cluster).filter(({ priority }) => priority === 0);
}
