/** What keeps a client on its endpoint. */
import type { AffinityIr } from "../../ir/index.ts";
import type { Cluster } from "../../model/index.ts";

/** Null: nothing does. */
export function affinityOf({ affinity }: Cluster): AffinityIr | null {
  return affinity === undefined ? null : Object.freeze({ cookie: affinity.cookie.name });
}
