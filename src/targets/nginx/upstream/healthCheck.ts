/** Active health checks, which nginx does not have. */
import type { Support } from "../../target.ts";

const noActiveCheck = {
  refused: "cannot be done: nginx has no active health checks (only nginx Plus has)",
  code: "HC-ACTIVE-NGINX",
} as const;
/** Unreachable: a health check does nothing until a cluster names it, and that is refused. */
const unused = "exact" as const;

/** What nginx says of the leaves of health checks. */
export const healthCheckCapabilities = {
  "cluster.healthCheck": noActiveCheck,
  "healthCheck.name": unused,
  "healthCheck.labels": unused,
  "healthCheck.description": unused,
  "healthCheck.type": unused,
  "healthCheck.interval": unused,
  "healthCheck.timeout": unused,
  "healthCheck.rise": unused,
  "healthCheck.fall": unused,
  "healthCheck.port": unused,
  "healthCheck.http.method": unused,
  "healthCheck.http.path": unused,
  "healthCheck.http.host": unused,
  "healthCheck.http.expectedStatus[]": unused,
  "healthCheck.tcp.send": unused,
  "healthCheck.tcp.expect": unused,
  "healthCheck.grpc.service": unused,
  "healthCheck.http.headers[].name": unused,
  "healthCheck.http.headers[].value": unused,
  "healthCheck.http.body.contains": unused,
} as const satisfies Readonly<Record<string, Support>>;
