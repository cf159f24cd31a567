/** Passive health, as proxies have it that keep no count of what they leave out. */
import { type ClusterIr, ejectionOf, lastResort } from "../ir/index.ts";
import { type Finding, foundByInspection, type Support } from "./target.ts";

/** Of `maxEjectedPercent`. */
export const noBoundOnEjected = {
  refused: "cannot be done: the proxy does not count how many endpoints it leaves out; only Envoy does",
  code: "OUTLIER-PERCENT",
} as const satisfies Support;

/** Of `consecutiveConnectFailures`; only the cluster as a whole shows it. */
export const allMayBeOut = {
  approximated:
    "may leave out every endpoint of this cluster: requests are answered 503, TCP connections closed, until one is back",
  code: "OUTLIER-ALL",
  when: foundByInspection,
} as const satisfies Support;

/** What is said of a cluster's passive health as a whole. */
export function ofOutlierDetection({ name }: ClusterIr, code: string, text: string): Finding {
  return {
    code,
    severity: "warning",
    message: `cluster ${name}: outlierDetection ${text}`,
    resource: { kind: "cluster", name },
    pointer: "/outlierDetection",
  };
}

/** Warnings about clusters that may be left with no endpoint; `hasBackups`: whether the proxy has backups for this one. */
export function withoutLastResort(
  clusters: readonly ClusterIr[],
  hasBackups: (cluster: ClusterIr) => boolean,
): readonly Finding[] {
  return clusters
    .filter((cluster) => ejectionOf(cluster) !== null && !(lastResort(cluster).length > 0 && hasBackups(cluster)))
    .map((cluster) => ofOutlierDetection(cluster, allMayBeOut.code, allMayBeOut.approximated));
}
