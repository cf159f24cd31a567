/** How nginx (open source, 1.22 and later) does what each field asks for. */
import type { JsonValue } from "../../ir/index.ts";
import type { Capabilities, Version } from "../target.ts";
import { isBefore } from "../version.ts";

/** From this version on `$http_name` joins repeated fields; before, it is the first one. */
const JOINS_REPEATED: Version = [1, 23, 0];
const before123 = (_value: JsonValue, version: Version) => isBefore(version, JOINS_REPEATED);

/** Of a valid duration; one with minutes or hours is longer. */
function isBelow3s(duration: string): boolean {
  const parts = /^(?:(\d+)s)?(?:(\d+)ms)?$/.exec(duration);
  return parts !== null && Number(parts[1] ?? 0) * 1000 + Number(parts[2] ?? 0) < 3000;
}

const firstOfRepeated = {
  approximated: "looks only at the first of repeated header fields before nginx 1.23",
  code: "L7-DUP-HEADER",
  when: before123,
} as const;
const appendsToFirst = {
  approximated: "keeps only the first of the client's repeated fields before nginx 1.23 when it appends to them",
  code: "L7-DUP-HEADER",
  when: before123,
} as const;
const noActiveCheck = {
  refused: "cannot be done: nginx has no active health checks (only nginx Plus has)",
  code: "HC-ACTIVE-NGINX",
} as const;
/** Unreachable: a health check does nothing until a cluster names it, and that is refused. */
const unused = "exact" as const;

/** One answer for each leaf. */
export const capabilities = {
  "fleet.name": "exact",
  "fleet.labels": "exact",
  "fleet.description": "exact",
  "fleet.proxy": "exact",
  "fleet.version": "exact",
  "fleet.bindAddress": "exact",
  "listener.name": "exact",
  "listener.labels": "exact",
  "listener.description": "exact",
  "listener.fleets[]": "exact",
  "listener.address": "exact",
  "listener.port": "exact",
  "listener.protocol": "exact",
  "listener.hostname": "exact",
  "route.name": "exact",
  "route.labels": "exact",
  "route.description": "exact",
  "route.listeners[]": "exact",
  "route.protocol": "exact",
  "route.hostnames[]": "exact",
  "route.rules[].name": "exact",
  "route.rules[].matches[].path.exact": "exact",
  "route.rules[].matches[].path.prefix": "exact",
  "route.rules[].matches[].path.regex": "exact",
  "route.rules[].matches[].method": "exact",
  "route.rules[].matches[].headers[].name": "exact",
  "route.rules[].matches[].headers[].exact": firstOfRepeated,
  "route.rules[].matches[].headers[].regex": firstOfRepeated,
  "route.rules[].matches[].headers[].present": firstOfRepeated,
  "route.rules[].matches[].headers[].absent": firstOfRepeated,
  "route.rules[].split[].cluster": "exact",
  "route.rules[].split[].weight": "exact",
  "route.rules[].redirect.scheme": "exact",
  "route.rules[].redirect.hostname": "exact",
  "route.rules[].redirect.port": "exact",
  "route.rules[].redirect.path.full": "exact",
  "route.rules[].redirect.path.prefix": "exact",
  "route.rules[].redirect.status": "exact",
  "route.rules[].respond.status": "exact",
  "route.rules[].respond.body": "exact",
  "route.rules[].respond.contentType": "exact",
  "route.rules[].rewrite.path.prefix": "exact",
  "route.rules[].requestHeaders.set[].name": "exact",
  "route.rules[].requestHeaders.set[].value": "exact",
  "route.rules[].requestHeaders.add[].name": appendsToFirst,
  "route.rules[].requestHeaders.add[].value": "exact",
  "route.rules[].requestHeaders.remove[]": "exact",
  "route.rules[].responseHeaders.set[].name": "exact",
  "route.rules[].responseHeaders.set[].value": "exact",
  "route.rules[].responseHeaders.add[].name": "exact",
  "route.rules[].responseHeaders.add[].value": "exact",
  "route.rules[].responseHeaders.remove[]": "exact",
  "route.rules[].timeouts.request": {
    approximated:
      "becomes an inactivity timeout: nginx has no limit for the whole request, so an answer that trickles can exceed it",
    code: "L7-TIMEOUT-TOTAL",
  },
  "route.rules[].timeouts.idle": {
    approximated:
      "may end up to 300 ms early while a reply trickles: nginx does not move a timer by less than that; it matters below 3 s",
    code: "L7-TIMEOUT-EARLY",
    when: (value) => typeof value === "string" && isBelow3s(value),
  },
  "cluster.name": "exact",
  "cluster.labels": "exact",
  "cluster.description": "exact",
  "cluster.endpoints[].address": "exact",
  "cluster.endpoints[].port": "exact",
  "cluster.endpoints[].weight": "exact",
  "cluster.balance.policy": "exact",
  "cluster.timeouts.connect": "exact",
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
