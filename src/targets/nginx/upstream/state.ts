/** States of endpoints: a server that is `down` gets nothing new; workers of the time before finish what they have. */
import type { EndpointIr } from "../../../ir/index.ts";
import type { Support } from "../../target.ts";

/** What nginx says of `state`. */
export const stateCapabilities = {
  "cluster.endpoints[].state": "exact",
} as const satisfies Readonly<Record<string, Support>>;

/** nginx before 1.29.6 has one word for all that is not active. */
export function isDown({ state }: EndpointIr): boolean {
  return state !== "active";
}
