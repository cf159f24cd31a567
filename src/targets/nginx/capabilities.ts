/** How nginx (open source, 1.22 and later) does what each field asks for. */

import { geoTableCapabilities } from "../geoTableCapabilities.ts";
import { pulledAsFiles } from "../pulledAsFiles.ts";
import { backtracking } from "../regexFindings.ts";
import type { Capabilities } from "../target.ts";
import { certificateCapabilities, tlsListenerCapabilities } from "../tlsCapabilities.ts";
import { tooOld } from "../version.ts";
import { clientAuthenticationCapabilities } from "./clientAuthenticationSupport.ts";
import { connectionLimitCapabilities } from "./connectionLimit.ts";
import { fieldCapabilities } from "./fields.ts";
import { grpcCapabilities } from "./grpcSupport.ts";
import { http2Capabilities } from "./http2.ts";
import { http3Capabilities } from "./http3Support.ts";
import { policyCapabilities } from "./policies/index.ts";
import { processCapabilities } from "./process.ts";
import { proxyProtocolCapabilities } from "./proxyProtocol.ts";
import { socketCapabilities } from "./sockets.ts";
import { coarseShares } from "./splits.ts";
import { tlsVersionCapabilities } from "./tlsSupport.ts";
import { udpCapabilities } from "./udpSupport.ts";
import { clusterCapabilities } from "./upstream/capabilities.ts";
import { clusterTlsCapabilities } from "./upstream/tlsSupport.ts";
import { DEFAULT_VERSION } from "./version.ts";
import { appendsToFirstVia } from "./via.ts";

const closesSilently = {
  approximated: "ends with a closed connection and no answer: nginx sends no 408",
  code: "L7-TIMEOUT-CLOSES",
} as const;
/** One answer for each leaf. */
export const capabilities = {
  "fleet.name": "exact",
  "fleet.labels": "exact",
  "fleet.description": "exact",
  "fleet.proxy": "exact",
  "fleet.version": tooOld("nginx", DEFAULT_VERSION, "NGINX-VERSION"),
  "fleet.bindAddress": "exact",
  "fleet.healthChecks": "exact",
  "fleet.accessLog.path": "exact",
  "fleet.accessLog.fields[]": "exact",
  "fleet.accessLog.samplePercent": "exact",
  ...processCapabilities,
  ...socketCapabilities,
  "fleet.xds.allow[]": pulledAsFiles("nginx"),
  "listener.name": "exact",
  "listener.labels": "exact",
  "listener.description": "exact",
  "listener.fleets[]": "exact",
  "listener.address": "exact",
  "listener.port": "exact",
  "listener.hostname": "exact",
  "listener.idleTimeout": "exact",
  ...udpCapabilities,
  ...connectionLimitCapabilities,
  ...proxyProtocolCapabilities,
  "listener.http.headersTimeout": closesSilently,
  "listener.http.bodyTimeout": closesSilently,
  "listener.http.sendTimeout": "exact",
  "listener.http.keepAliveTimeout": "exact",
  ...http2Capabilities,
  ...http3Capabilities,
  "listener.http.viaGuard": appendsToFirstVia,
  "listener.http.redirectToHttps.port": "exact",
  "listener.http.redirectToHttps.status": "exact",
  "route.name": "exact",
  "route.labels": "exact",
  "route.description": "exact",
  "route.listeners[]": "exact",
  "route.hostnames[]": "exact",
  "route.rules[].name": "exact",
  "route.rules[].matches[].path.exact": "exact",
  "route.rules[].matches[].path.prefix": "exact",
  "route.rules[].matches[].path.regex": backtracking,
  ...grpcCapabilities,
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
  ...clusterCapabilities,
  ...geoTableCapabilities,
  ...certificateCapabilities,
  ...tlsListenerCapabilities,
  ...clientAuthenticationCapabilities,
  ...tlsVersionCapabilities,
  ...clusterTlsCapabilities,
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
