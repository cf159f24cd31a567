/** Health checks with all defaults filled in. */
import { defaults } from "../../gen/defaults.ts";
import type { HealthCheckIr, UpstreamProtocol } from "../../ir/index.ts";
import { durationMs, type HealthCheck } from "../../model/index.ts";

const CHECK = {
  interval: defaults["healthCheck.interval"],
  timeout: defaults["healthCheck.timeout"],
  rise: defaults["healthCheck.rise"],
  fall: defaults["healthCheck.fall"],
  initial: defaults["healthCheck.initial"],
};
const HTTP_CHECK = {
  method: defaults["healthCheck.http.method"],
  path: defaults["healthCheck.http.path"],
  host: defaults["healthCheck.http.host"],
  expectedStatus: defaults["healthCheck.http.expectedStatus"],
};

/** The check that a cluster of this protocol names. */
export function healthCheck(body: HealthCheck, protocol: UpstreamProtocol): HealthCheckIr {
  const { type, interval, timeout, rise, fall, initial, port = null } = { ...CHECK, ...body };
  return Object.freeze({
    kind: type,
    intervalMs: durationMs(interval),
    timeoutMs: durationMs(timeout),
    rise,
    fall,
    initial,
    port,
    tcp: type === "tcp" ? tcpCheck(body.tcp) : null,
    grpc: type === "grpc" ? Object.freeze({ service: body.grpc?.service ?? "" }) : null,
    http: type === "http" ? httpCheck(body.http, protocol) : null,
  });
}

function tcpCheck(body: HealthCheck["tcp"]): HealthCheckIr["tcp"] {
  return Object.freeze({ send: body?.send ?? null, expect: body?.expect ?? null });
}

function httpCheck(body: HealthCheck["http"], protocol: UpstreamProtocol): HealthCheckIr["http"] {
  const { method, path, host, expectedStatus } = { ...HTTP_CHECK, ...body };
  const ranges = expectedStatus.map((range) => {
    const [low, high = low] = range.split("-").map(Number) as [number, number?];
    return Object.freeze({ low, high });
  });
  return Object.freeze({
    protocol,
    method,
    path,
    host,
    headers: Object.freeze(
      (body?.headers ?? []).map(({ name, value }) => Object.freeze({ name: name.toLowerCase(), value })),
    ),
    bodyContains: body?.body?.contains ?? null,
    bodyRegex: body?.body?.regex ?? null,
    expectedStatus: ranges.sort((a, b) => a.low - b.low || a.high - b.high),
  });
}
