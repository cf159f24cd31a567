/** What a fleet's agent has to know to probe: its plan, and upstream groups in files of their own, from which it takes endpoints. */
import { type ClusterIr, type EndpointIr, type FleetIr, isActive, PROBE_PLAN_FILE } from "../../../ir/index.ts";
import { mapSteps, type Steps } from "../../../util/steps.ts";
import { namedEndpoints } from "./affinity.ts";
import { probedTls } from "./tls.ts";

/** Upstream groups whose endpoints are probed, by context. */
export const PROBED_FILES = { http: "upstreams.conf", stream: "upstreams-stream.conf" } as const;

/** Whether the agent probes the endpoints of this cluster. */
export function isProbed({ healthChecks }: Pick<FleetIr, "healthChecks">, { healthCheck }: ClusterIr): boolean {
  return healthChecks === "agent" && healthCheck !== null;
}

/** Path and text of the plan, with a line for each cluster; null: there is nothing to probe. */
export function* probePlanFile(ir: FleetIr): Steps<{ readonly path: string; readonly text: string } | null> {
  const lines = yield* mapSteps(
    ir.clusters.filter((cluster) => isProbed(ir, cluster)),
    (cluster) => {
      const { name, healthCheck: check, tls } = cluster;
      return JSON.stringify({
        name,
        check,
        ...(tls === null ? {} : { tls: probedTls(tls) }),
        endpoints: served(cluster).map(({ address, port }) => ({ address, port })),
      });
    },
  );
  return lines.length === 0 ? null : { path: PROBE_PLAN_FILE, text: `{"clusters": [\n${lines.join(",\n")}\n]}\n` };
}

/** Those that may get something: with affinity also those that drain, which keep their clients. */
function served(cluster: ClusterIr): readonly EndpointIr[] {
  return cluster.affinity === null ? cluster.endpoints.filter(isActive) : namedEndpoints(cluster);
}
