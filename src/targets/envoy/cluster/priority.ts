/** Primaries and backups: levels of a cluster's endpoints. */
import type { ClusterIr, EndpointIr } from "../../../ir/index.ts";
import type { Support } from "../../target.ts";

/** What Envoy says of `priority`. */
export const priorityCapabilities = {
  "cluster.endpoints[].priority": "exact",
} as const satisfies Readonly<Record<string, Support>>;

/** A level keeps all the traffic while one in 10 000 of its endpoints serves; Envoy's 140 spills from 71 % of them downwards. */
const OVERPROVISIONING_PERCENT = 1_000_000;

/** Endpoints by level, each level in their order. */
export function levelsOf(endpoints: readonly EndpointIr[]): readonly (readonly EndpointIr[])[] {
  const levels: EndpointIr[][] = [];
  for (const endpoint of endpoints) {
    levels[endpoint.priority] ??= [];
    levels[endpoint.priority]?.push(endpoint);
  }
  return levels;
}

/** When the next level gets traffic: only when nobody of the levels before it can serve. */
export function overflow({ endpoints }: ClusterIr) {
  if (endpoints.every(({ priority }) => priority === 0)) return {};
  return { policy: { overprovisioningFactor: OVERPROVISIONING_PERCENT } };
}
