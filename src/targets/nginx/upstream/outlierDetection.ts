/** Passive health of an upstream group: `max_fails` and `fail_timeout`. */
import { type ClusterIr, type EndpointIr, ejectionOf, lastResort } from "../../../ir/index.ts";
import { allMayBeOut, noBoundOnEjected, ofOutlierDetection, withoutLastResort } from "../../outlierDetection.ts";
import { type Finding, foundByInspection, type Support } from "../../target.ts";
import { word } from "../quote.ts";
import { takesBackups } from "./priority.ts";
import type { FailureView } from "./views.ts";

const notInARow = {
  approximated:
    "counts failures that need not be in a row, each at most `ejectFor` after the one before, and an endpoint that closes a connection without an answer, or is silent until a timeout, like one to which no connection can be made",
  code: "OUTLIER-WINDOW-NGINX",
  when: foundByInspection,
} as const satisfies Support;

const noStatuses = {
  refused:
    "cannot be done: nginx counts answers of 5xx only where it may send the request again, and so hides them from the client; leave it off, or serve the cluster with Envoy or HAProxy",
  code: "OUTLIER-5XX-NORETRY-NGINX",
} as const satisfies Support;

const noInterval = {
  approximated: "has no effect: on nginx the first request after `ejectFor` tries the endpoint, alone",
  code: "OUTLIER-INTERVAL-NGINX",
} as const satisfies Support;

/** What nginx says of the leaves of `outlierDetection`. */
export const outlierDetectionCapabilities = {
  "cluster.outlierDetection.consecutiveConnectFailures": [notInARow, allMayBeOut],
  "cluster.outlierDetection.consecutive5xx": noStatuses,
  "cluster.outlierDetection.interval": noInterval,
  "cluster.outlierDetection.ejectFor": "exact",
  "cluster.outlierDetection.maxEjectedPercent": noBoundOnEjected,
} as const satisfies Readonly<Record<string, Support>>;

/** Warnings about the clusters that ask for it. */
export function inspectOutlierDetection(clusters: readonly ClusterIr[]): readonly Finding[] {
  const asking = clusters.filter((cluster) => ejectionOf(cluster) !== null);
  return [
    ...asking.map((cluster) => ofOutlierDetection(cluster, notInARow.code, notInARow.approximated)),
    ...withoutLastResort(clusters, takesBackups),
  ];
}

const SECOND_MS = 1_000;

/** How a cluster's endpoint is left out. */
export function failuresOf(cluster: ClusterIr): (endpoint: EndpointIr) => FailureView | null {
  const ejection = ejectionOf(cluster);
  if (ejection === null) return () => null;
  const never = new Set(lastResort(cluster).filter(({ priority }) => priority > 0));
  const view = { maxFails: word(ejection.connectFailures), failTimeout: word(`${ejection.ejectForMs / SECOND_MS}s`) };
  return (endpoint) => (never.has(endpoint) ? null : view);
}

/** Endpoints that stand in the group once more, as backups: nginx answers for itself when it has left out all, until one's time is over. */
export function onceMore(cluster: ClusterIr): readonly EndpointIr[] {
  return takesBackups(cluster) ? lastResort(cluster).filter(({ priority }) => priority === 0) : [];
}
