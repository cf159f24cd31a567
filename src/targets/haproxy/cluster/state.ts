/** States of endpoints: the weight 0 of one that is drained, and `disabled`. */
import type { EndpointIr } from "../../../ir/index.ts";
import type { Support } from "../../target.ts";

/** What HAProxy says of `state`. */
export const stateCapabilities = {
  "cluster.endpoints[].state": "exact",
} as const satisfies Readonly<Record<string, Support>>;

/** The weight of a server: with 0 it gets what a cookie remembers, and nothing else. */
export function weightOf({ state, weight }: EndpointIr): number {
  return state === "drain" ? 0 : weight;
}
