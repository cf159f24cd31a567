/** Clusters and health checks with all defaults filled in. */
import type { ClusterIr, HealthCheckIr } from "../../ir/index.ts";
import { canonicalAddress, durationMs, type HealthCheck, type Resource } from "../../model/index.ts";
import { compareText } from "../../util/sorted.ts";
import type { CompilerMemory } from "../memory.ts";
import { reuse } from "../reuse.ts";

/** Schema defaults. */
const DEFAULT_CONNECT_MS = 5_000;
const DEFAULT_INTERVAL_MS = 5_000;
const DEFAULT_TIMEOUT_MS = 2_000;
const DEFAULT_RISE = 2;
const DEFAULT_FALL = 3;
const DEFAULT_HTTP = { method: "GET", path: "/", host: "health.trimtab.invalid", expectedStatus: ["200-299"] } as const;

export interface ClusterInput {
  readonly cluster: Resource<"cluster">;
  readonly check: Resource<"healthCheck"> | undefined;
  /** What was made of the cluster's last version. */
  readonly before: ClusterIr | undefined;
}

/** Remembered for the cluster and its health check. */
export function compileCluster({ cluster, check, before }: ClusterInput, { clusters }: CompilerMemory): ClusterIr {
  const known = clusters.get(cluster);
  if (known !== undefined && known.check === check) return known.ir;
  const { endpoints, balance, timeouts } = cluster.body;
  const used = endpoints
    .map(({ address, port, weight = 1 }) => Object.freeze({ address: canonicalAddress(address), port, weight }))
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => compareText(a.address, b.address) || a.port - b.port);
  const ir = reuse<ClusterIr>(before, {
    name: cluster.name,
    endpoints: used,
    policy: balance?.policy ?? "roundRobin",
    connectTimeoutMs: timeouts?.connect === undefined ? DEFAULT_CONNECT_MS : durationMs(timeouts.connect),
    healthCheck: check === undefined ? null : healthCheck(check.body),
  });
  clusters.set(cluster, { check, ir });
  return ir;
}

function healthCheck(body: HealthCheck): HealthCheckIr {
  const { type, interval, timeout, rise = DEFAULT_RISE, fall = DEFAULT_FALL, port = null } = body;
  return Object.freeze({
    kind: type,
    intervalMs: interval === undefined ? DEFAULT_INTERVAL_MS : durationMs(interval),
    timeoutMs: timeout === undefined ? DEFAULT_TIMEOUT_MS : durationMs(timeout),
    rise,
    fall,
    port,
    http: type === "http" ? httpCheck(body.http) : null,
  });
}

function httpCheck(body: HealthCheck["http"]): HealthCheckIr["http"] {
  const { method, path, host, expectedStatus } = { ...DEFAULT_HTTP, ...body };
  const ranges = expectedStatus.map((range) => {
    const [low, high = low] = range.split("-").map(Number) as [number, number?];
    return Object.freeze({ low, high });
  });
  return Object.freeze({
    method,
    path,
    host,
    expectedStatus: ranges.sort((a, b) => a.low - b.low || a.high - b.high),
  });
}
