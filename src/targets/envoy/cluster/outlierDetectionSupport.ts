/** What is said of passive health without rendering it: this file loads fast. */
import type { ClusterIr } from "../../../ir/index.ts";
import { ofOutlierDetection } from "../../outlierDetection.ts";
import { type Finding, foundByInspection, type Support } from "../../target.ts";

const anyLocalFailure = {
  approximated:
    "counts an endpoint that closes a connection without an answer, or is silent until a timeout, like one to which no connection can be made; any answer ends the count",
  code: "OUTLIER-LOCAL-ENVOY",
  when: foundByInspection,
} as const satisfies Support;

/** What Envoy says of the leaves of `outlierDetection`. */
export const outlierDetectionCapabilities = {
  "cluster.outlierDetection.consecutiveConnectFailures": anyLocalFailure,
  "cluster.outlierDetection.consecutive5xx": "exact",
  "cluster.outlierDetection.interval": "exact",
  "cluster.outlierDetection.ejectFor": "exact",
  "cluster.outlierDetection.maxEjectedPercent": "exact",
} as const satisfies Readonly<Record<string, Support>>;

/** Warnings about the clusters that ask for it. */
export function inspectOutlierDetection(clusters: readonly ClusterIr[]): readonly Finding[] {
  return clusters
    .filter((cluster) => cluster.outlierDetection !== null)
    .map((cluster) => ofOutlierDetection(cluster, anyLocalFailure.code, anyLocalFailure.approximated));
}
