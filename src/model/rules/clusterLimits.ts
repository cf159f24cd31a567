import { problem, type Rule, touchedOf } from "./rule.ts";

/** What waits, waits for something. */
export const clusterLimits: Rule = function* (_snapshot, touched) {
  for (const cluster of touchedOf(touched, "cluster")) {
    const { maxConnectionsPerEndpoint, maxPending, queueTimeout } = cluster.body.limits ?? {};
    if (maxPending !== undefined && maxConnectionsPerEndpoint === undefined) {
      const message = "requests wait for an endpoint that is full: say when one is, with `maxConnectionsPerEndpoint`";
      yield problem("MODEL-CLUSTER-LIMITS", cluster, { pointer: "/limits/maxPending", message });
    }
    if (queueTimeout !== undefined && maxPending === undefined) {
      const message = "no request waits without `maxPending`";
      yield problem("MODEL-CLUSTER-LIMITS", cluster, { pointer: "/limits/queueTimeout", message });
    }
  }
};
