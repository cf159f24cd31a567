/** Active health checks, which nginx does not have. */
import type { FleetIr } from "../../../ir/index.ts";
import { type Finding, foundByInspection, type Support } from "../../target.ts";
import { inspectBodyRegex, tooLong } from "./bodyRegex.ts";

/** Where the fleet names nobody who probes instead. */
const noActiveCheck = {
  refused:
    "cannot be done: nginx has no active health checks (only nginx Plus has); leave it off, or write in the fleet `healthChecks: agent` if Trimtab's agent runs its nginx, or `external` if somebody else probes",
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
/** Where the program beside nginx probes. */
const probedBeside = {
  approximated:
    "is probed by the agent beside nginx (`healthChecks: agent`), and an endpoint goes or comes back by a reload: within about 0.3 s, or 2 s after the reload before. An nginx that runs without the agent sends requests to every endpoint",
  code: "HC-AGENT-NGINX",
  when: foundByInspection,
} as const;
/** For whoever probes; the cluster that names the health check is warned of. */
const unused = "exact" as const;

/** What nginx says of the leaves of health checks. */
export const healthCheckCapabilities = {
  "cluster.healthCheck": [noActiveCheck, probedOutside, probedBeside],
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
  "healthCheck.http.body.regex": tooLong,
  "healthCheck.initial": unused,
} as const satisfies Readonly<Record<string, Support>>;

/** What is to be said of the clusters that name a health check; the fleet decides, which a capability table does not see. */
export function inspectHealthChecks(ir: FleetIr): readonly Finding[] {
  const said = saidOf(ir.healthChecks);
  const probed = ir.clusters
    .filter(({ healthCheck }) => healthCheck !== null)
    .map(({ name }) => ({ ...said, resource: { kind: "cluster" as const, name }, pointer: "/healthCheck" }));
  return [...probed, ...inspectBodyRegex(ir)];
}

function saidOf(healthChecks: FleetIr["healthChecks"]): Pick<Finding, "code" | "severity" | "message"> {
  if (healthChecks === null) {
    return { code: noActiveCheck.code, severity: "error", message: noActiveCheck.refused };
  }
  const { code, approximated } = healthChecks === "agent" ? probedBeside : probedOutside;
  return { code, severity: "warning", message: approximated };
}
