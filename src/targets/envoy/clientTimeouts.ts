/** How long clients may take, as Envoy counts it. */
import type { ClientTimeoutsIr } from "../../ir/index.ts";

/**
 * Envoy has one limit on the silence of a stream, for both directions: the longer of the two, so that no client is cut who may take that
 * long.
 */
export function clientSilenceMs({ bodyMs, sendMs }: ClientTimeoutsIr): number {
  return Math.max(bodyMs, sendMs);
}
