/** Connections to endpoints that are kept. */
import type { PoolIr } from "../../../ir/index.ts";
import type { Quoted } from "../../../util/templates.ts";
import type { Support } from "../../target.ts";
import { number, time } from "../quote.ts";

/** What HAProxy says of the leaves of `pool`. Its `max-reuse` does nothing on HTTP/1.1 (measured on 2.6). */
export const poolCapabilities = {
  "cluster.pool.maxIdle": {
    approximated: "counts for each endpoint: HAProxy has no limit for a cluster",
    code: "POOL-MAX-IDLE-HAPROXY",
  },
  "cluster.pool.idleTimeout": {
    approximated:
      "is when HAProxy closes an idle connection that is alone; of several it closes some in each round of a third of it " +
      "(of eight the last after five rounds)",
    code: "POOL-IDLE-TIMEOUT-HAPROXY",
  },
  "cluster.pool.maxRequestsPerConnection": {
    refused: "cannot be done: HAProxy counts no requests of an HTTP/1.1 connection to an endpoint",
    code: "POOL-REQUESTS-HAPROXY",
  },
} as const satisfies Readonly<Record<string, Support>>;

/** A round closes half of what was not needed since the last one. The third finds a lone connection (after 1.5 s with rounds of 0.5 s). */
const ROUNDS = 3;

/** A `default-server` line. */
export interface PoolView {
  readonly maxIdle: Quoted<"number"> | null;
  readonly purgeDelay: Quoted<"time"> | null;
}

/** Null: nothing is said. */
export function poolView({ maxIdle, idleTimeoutMs }: PoolIr): PoolView | null {
  if (maxIdle === null && idleTimeoutMs === null) return null;
  return {
    maxIdle: maxIdle === null ? null : number(maxIdle),
    purgeDelay: idleTimeoutMs === null ? null : time(Math.ceil(idleTimeoutMs / ROUNDS)),
  };
}
