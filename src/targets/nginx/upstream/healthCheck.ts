/** Active health checks, which nginx does not have. */
import type { FleetIr } from "../../../ir/index.ts";
import { type Finding, foundByInspection, type Support } from "../../target.ts";

/** Where the fleet names nobody who probes instead. */
const noActiveCheck = {
  refused:
    "cannot be done: nginx has no active health checks (only nginx Plus has); leave it off, or write `healthChecks: external` in the fleet if somebody else probes",
  code: "HC-ACTIVE-NGINX",
  when: foundByInspection,
} as const;
/** Where the fleet says that somebody else probes. */
const probedOutside = {
  approximated:
    "is not probed by nginx: whoever probes for this fleet (`healthChecks: external`) has to take endpoints that fail out of the model",
  code: "HC-EXTERNAL-NGINX",
  when: foundByInspection,
} as const;
/** For whoever probes outside; the cluster that names the health check is warned of. */
const unused = "exact" as const;

/** What nginx says of the leaves of health checks. */
export const healthCheckCapabilities = {
  "cluster.healthCheck": [noActiveCheck, probedOutside],
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
  "healthCheck.http.body.regex": unused,
  "healthCheck.initial": unused,
} as const satisfies Readonly<Record<string, Support>>;

/** What is to be said of the clusters that name a health check; the fleet decides, which a capability table does not see. */
export function inspectHealthChecks({ clusters, healthChecks }: FleetIr): readonly Finding[] {
  const said =
    healthChecks === null
      ? { code: noActiveCheck.code, severity: "error" as const, message: noActiveCheck.refused }
      : { code: probedOutside.code, severity: "warning" as const, message: probedOutside.approximated };
  return clusters
    .filter(({ healthCheck }) => healthCheck !== null)
    .map(({ name }) => ({ ...said, resource: { kind: "cluster" as const, name }, pointer: "/healthCheck" }));
}
