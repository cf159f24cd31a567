/** How nginx (open source, 1.22 and later) does what each field asks for. */
import { pulledAsFiles } from "../pulledAsFiles.ts";
import { backtracking } from "../regexFindings.ts";
import { type Capabilities, foundByInspection, type Support } from "../target.ts";
import { tooOld } from "../version.ts";
import { fieldCapabilities } from "./fields.ts";
import { policyCapabilities } from "./policies/index.ts";
import { coarseShares } from "./splits.ts";
import { DEFAULT_VERSION } from "./version.ts";

const noActiveCheck = {
  refused: "cannot be done: nginx has no active health checks (only nginx Plus has)",
  code: "HC-ACTIVE-NGINX",
} as const;
/** Of a TCP port whose split has several; only the port shows it. */
export const oneTimeoutPerPort = {
  approximated: "of several clusters of one TCP port is the longest of theirs: nginx has one for a port",
  code: "L4-CONNECT-TIMEOUT-NGINX",
  when: foundByInspection,
} as const satisfies Support;
const closesSilently = {
  approximated: "ends with a closed connection and no answer: nginx sends no 408",
  code: "L7-TIMEOUT-CLOSES",
} as const;
/** Unreachable: a health check does nothing until a cluster names it, and that is refused. */
const unused = "exact" as const;

/** One answer for each leaf. */
export const capabilities = {
  "fleet.name": "exact",
  "fleet.labels": "exact",
  "fleet.description": "exact",
  "fleet.proxy": "exact",
  "fleet.version": tooOld("nginx", DEFAULT_VERSION, "NGINX-VERSION"),
  "fleet.bindAddress": "exact",
  "fleet.accessLog.path": "exact",
  "fleet.accessLog.fields[]": "exact",
  "fleet.accessLog.samplePercent": "exact",
  "fleet.xds.allow[]": pulledAsFiles("nginx"),
  "listener.name": "exact",
  "listener.labels": "exact",
  "listener.description": "exact",
  "listener.fleets[]": "exact",
  "listener.address": "exact",
  "listener.port": "exact",
  "listener.protocol": "exact",
  "listener.hostname": "exact",
  "listener.http.headersTimeout": closesSilently,
  "listener.http.bodyTimeout": closesSilently,
  "listener.http.sendTimeout": "exact",
  "listener.http.keepAliveTimeout": "exact",
  "route.name": "exact",
  "route.labels": "exact",
  "route.description": "exact",
  "route.listeners[]": "exact",
  "route.protocol": "exact",
  "route.hostnames[]": "exact",
  "route.rules[].name": "exact",
  "route.rules[].matches[].path.exact": "exact",
  "route.rules[].matches[].path.prefix": "exact",
  "route.rules[].matches[].path.regex": backtracking,
  ...fieldCapabilities,
  "route.rules[].split[].cluster": "exact",
  "route.rules[].split[].weight": coarseShares,
  "route.rules[].redirect.scheme": "exact",
  "route.rules[].redirect.hostname": "exact",
  "route.rules[].redirect.port": "exact",
  "route.rules[].redirect.path.full": "exact",
  "route.rules[].redirect.path.prefix": "exact",
  "route.rules[].redirect.status": "exact",
  "route.rules[].respond.status": "exact",
  "route.rules[].respond.body": "exact",
  "route.rules[].respond.contentType": "exact",
  ...policyCapabilities,
  "cluster.name": "exact",
  "cluster.labels": "exact",
  "cluster.description": "exact",
  "cluster.endpoints[].address": "exact",
  "cluster.endpoints[].port": "exact",
  "cluster.endpoints[].weight": "exact",
  "cluster.balance.policy": "exact",
  "cluster.timeouts.connect": oneTimeoutPerPort,
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
  "canary.name": "exact",
  "canary.labels": "exact",
  "canary.description": "exact",
  "canary.route": "exact",
  "canary.rule": "exact",
  "canary.stable": "exact",
  "canary.canary": "exact",
  "canary.steps[].weight": "exact",
  "canary.state.step": "exact",
} as const satisfies Capabilities;
