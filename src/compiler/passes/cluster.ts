/** Clusters and health checks with all defaults filled in. */
import { defaults } from "../../gen/defaults.ts";
import type { ClusterIr, HealthCheckIr } from "../../ir/index.ts";
import { canonicalAddress, durationMs, type HealthCheck, type Resource } from "../../model/index.ts";
import { compareText } from "../../util/sorted.ts";
import type { CompilerMemory } from "../memory.ts";
import { reuse } from "../reuse.ts";

const WEIGHT = defaults["cluster.endpoints[].weight"];
const CONNECT_MS = durationMs(defaults["cluster.timeouts.connect"]);
const CHECK = {
  interval: defaults["healthCheck.interval"],
  timeout: defaults["healthCheck.timeout"],
  rise: defaults["healthCheck.rise"],
  fall: defaults["healthCheck.fall"],
};
const HTTP_CHECK = {
  method: defaults["healthCheck.http.method"],
  path: defaults["healthCheck.http.path"],
  host: defaults["healthCheck.http.host"],
  expectedStatus: defaults["healthCheck.http.expectedStatus"],
};

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
    .map(({ address, port, weight = WEIGHT }) => Object.freeze({ address: canonicalAddress(address), port, weight }))
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => compareText(a.address, b.address) || a.port - b.port);
  const ir = reuse<ClusterIr>(before, {
    name: cluster.name,
    endpoints: used,
    policy: (balance ?? defaults["cluster.balance"]).policy,
    connectTimeoutMs: timeouts?.connect === undefined ? CONNECT_MS : durationMs(timeouts.connect),
    healthCheck: check === undefined ? null : healthCheck(check.body),
  });
  clusters.set(cluster, { check, ir });
  return ir;
}

function healthCheck(body: HealthCheck): HealthCheckIr {
  const { type, interval, timeout, rise, fall, port = null } = { ...CHECK, ...body };
  return Object.freeze({
    kind: type,
    intervalMs: durationMs(interval),
    timeoutMs: durationMs(timeout),
    rise,
    fall,
    port,
    http: type === "http" ? httpCheck(body.http) : null,
  });
}

function httpCheck(body: HealthCheck["http"]): HealthCheckIr["http"] {
  const { method, path, host, expectedStatus } = { ...HTTP_CHECK, ...body };
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
