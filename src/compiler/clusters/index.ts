/** Clusters with all defaults filled in: each part from the file of its name. */
import { defaults } from "../../gen/defaults.ts";
import type { ClusterIr, NearIr } from "../../ir/index.ts";
import { durationMs, type Resource } from "../../model/index.ts";
import type { CompilerMemory } from "../memory.ts";
import { reuse } from "../reuse.ts";
import { affinityOf } from "./affinity.ts";
import { balanceOf } from "./balance.ts";
import { endpointsOf } from "./endpoints.ts";
import { healthCheck } from "./healthCheck.ts";
import { limitsOf } from "./limits.ts";
import { outlierDetectionOf } from "./outlierDetection.ts";
import { poolOf } from "./pool.ts";
import { slowStartOf } from "./slowStart.ts";
import { clusterTlsOf } from "./tls.ts";

const CONNECT_MS = durationMs(defaults["cluster.timeouts.connect"]);

export interface ClusterInput {
  readonly cluster: Resource<"cluster">;
  readonly check: Resource<"healthCheck"> | undefined;
  /** The authority that its TLS names. */
  readonly authority: Resource<"authority"> | undefined;
  /** Whose clients it was made for; null: it is a document. */
  readonly near: NearIr | null;
  /** What was made of the cluster's last version. */
  readonly before: ClusterIr | undefined;
}

/** Remembered for the cluster, its health check and its authority. */
export function compileCluster(
  { cluster, check, authority, near, before }: ClusterInput,
  { clusters }: CompilerMemory,
): ClusterIr {
  const known = clusters.get(cluster);
  if (known !== undefined && known.check === check && known.authority === authority) return known.ir;
  const { body } = cluster;
  const { timeouts, protocol = defaults["cluster.protocol"] } = body;
  const ir = reuse<ClusterIr>(before, {
    name: cluster.name,
    near: near && Object.freeze(near),
    endpoints: endpointsOf(body),
    balance: balanceOf(body),
    affinity: affinityOf(body),
    limits: limitsOf(body),
    connectTimeoutMs: timeouts?.connect === undefined ? CONNECT_MS : durationMs(timeouts.connect),
    pool: poolOf(body),
    protocol,
    proxyProtocol: body.proxyProtocol ?? null,
    tls: clusterTlsOf(body, authority),
    healthCheck: check === undefined ? null : healthCheck(check.body, protocol),
    outlierDetection: outlierDetectionOf(body),
    slowStart: slowStartOf(body),
    drainTimeoutMs: body.drainTimeout === undefined ? null : durationMs(body.drainTimeout),
  });
  clusters.set(cluster, { check, authority, ir });
  return ir;
}
