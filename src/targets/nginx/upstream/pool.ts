/** Connections to endpoints that are kept. */
import type { PoolIr } from "../../../ir/index.ts";
import type { Support } from "../../target.ts";
import { type Word, word } from "../quote.ts";

/** What nginx says of the leaves of `pool`. */
export const poolCapabilities = {
  "cluster.pool.maxIdle": {
    approximated: "counts for each worker: nginx's workers have connections of their own",
    code: "POOL-MAX-IDLE-NGINX",
  },
  "cluster.pool.idleTimeout": "exact",
  "cluster.pool.maxRequestsPerConnection": "exact",
} as const satisfies Readonly<Record<string, Support>>;

/** Idle connections per worker and cluster: enough for steady reuse, little enough for thousands of clusters. */
const KEEPALIVE = 32;

/** Directives of an upstream group of HTTP. */
export interface PoolView {
  readonly keepalive: Word;
  readonly timeout: Word | null;
  readonly requests: Word | null;
}

/** What the group says of its connections. */
export function poolView({ maxIdle, idleTimeoutMs, maxRequestsPerConnection }: PoolIr): PoolView {
  return {
    keepalive: word(maxIdle ?? KEEPALIVE),
    timeout: idleTimeoutMs === null ? null : word(`${idleTimeoutMs}ms`),
    requests: maxRequestsPerConnection === null ? null : word(maxRequestsPerConnection),
  };
}
