/** What a fleet's agent has to know to probe: its plan, and upstream groups in files of their own, from which it takes endpoints. */
import { type ClusterIr, type FleetIr, isActive, PROBE_PLAN_FILE, type ProbePlan } from "../../../ir/index.ts";

/** Upstream groups whose endpoints are probed, by context. */
export const PROBED_FILES = { http: "upstreams.conf", stream: "upstreams-stream.conf" } as const;

/** Whether the agent probes the endpoints of this cluster. */
export function isProbed({ healthChecks }: Pick<FleetIr, "healthChecks">, { healthCheck }: ClusterIr): boolean {
  return healthChecks === "agent" && healthCheck !== null;
}

/** Path and text of the plan; null: there is nothing to probe. */
export function probePlanFile(ir: FleetIr): { readonly path: string; readonly text: string } | null {
  const clusters = ir.clusters.flatMap((cluster): ProbePlan["clusters"] => {
    const { name, healthCheck: check, endpoints } = cluster;
    if (!isProbed(ir, cluster) || check === null) return [];
    const probed = endpoints.filter(isActive).map(({ address, port }) => ({ address, port }));
    return [{ name, check, endpoints: probed }];
  });
  if (clusters.length === 0) return null;
  const plan: ProbePlan = { clusters };
  return { path: PROBE_PLAN_FILE, text: `${JSON.stringify(plan, null, 1)}\n` };
}
