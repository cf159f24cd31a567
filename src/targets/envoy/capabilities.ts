/** What Envoy does with each field of the model: one line per leaf. The facts are measured; codes as in the design notes. */

import { clusterTlsCapabilities } from "../clusterTls.ts";
import { geoTableCapabilities } from "../geoTableCapabilities.ts";
import { probesItself } from "../probesItself.ts";
import { type Capabilities, foundByInspection, type Support } from "../target.ts";
import { certificateCapabilities, tlsListenerCapabilities } from "../tlsCapabilities.ts";
import { tooOld } from "../version.ts";
import { clusterCapabilities } from "./cluster/capabilities.ts";
import { noWebSocket } from "./cluster/protocolSupport.ts";
import { fieldCapabilities } from "./fields.ts";
import { grpcCapabilities } from "./grpcSupport.ts";
import { http3Capabilities } from "./http3Support.ts";
import { policyCapabilities } from "./policies/index.ts";
import { processCapabilities } from "./process.ts";
import { proxyProtocolCapabilities } from "./proxyProtocolSupport.ts";
import { tooLarge } from "./regexSize.ts";
import { clientAuthenticationCapabilities, connectionLimitCapabilities } from "./tlsSupport.ts";
import { oneUdpCluster, udpCapabilities } from "./udpSupport.ts";
import { DEFAULT_VERSION } from "./version.ts";

/** No single field shows it (the redirect names no host, the route a wildcard), so the table itself never finds it. */
const copiedHost = {
  approximated: [
    "redirects to the request's host under a wildcard: Envoy copies the Host header's letter case and trailing dot into",
    "Location, and writes the scheme's default port when the Host header had a port; set `redirect.hostname` or a listener's `hostname` to avoid it",
  ].join(" "),
  code: "L7-REDIRECT-HOST",
  when: foundByInspection,
} as const satisfies Support;

const oneSilence = {
  approximated:
    "is the longest of `bodyTimeout`, `sendTimeout` and the `idle` of the request's rule: Envoy has one limit on the silence of a request.",
  code: "L7-TIMEOUT-CLIENT",
} as const satisfies Support;

/** The table. */
export const capabilities = {
  "fleet.name": "exact",
  "fleet.labels": "exact",
  "fleet.description": "exact",
  "fleet.proxy": "exact",
  "fleet.version": tooOld("Envoy", DEFAULT_VERSION, "ENVOY-VERSION"),
  "fleet.bindAddress": "exact",
  "fleet.healthChecks": probesItself("Envoy"),
  "fleet.accessLog.path": "exact",
  "fleet.accessLog.fields[]": "exact",
  "fleet.accessLog.samplePercent": "exact",
  ...processCapabilities,
  "fleet.xds.allow[]": "exact",
  "listener.name": "exact",
  "listener.labels": "exact",
  "listener.description": "exact",
  "listener.fleets[]": "exact",
  "listener.address": "exact",
  "listener.port": "exact",
  "listener.protocol": "exact",
  "listener.hostname": "exact",
  "listener.idleTimeout": "exact",
  ...udpCapabilities,
  ...connectionLimitCapabilities,
  "listener.connectionLimit.perSource": {
    refused: "cannot be done: Envoy does not count connections by address",
    code: "LIMIT-SOURCE-ENVOY",
  },
  ...proxyProtocolCapabilities,
  "listener.http.headersTimeout": "exact",
  "listener.http.bodyTimeout": oneSilence,
  "listener.http.sendTimeout": oneSilence,
  "listener.http.keepAliveTimeout": "exact",
  "listener.http.http2": "exact",
  ...http3Capabilities,
  "listener.http.viaGuard": "exact",
  "listener.http.redirectToHttps.port": copiedHost,
  "listener.http.redirectToHttps.status": "exact",
  "route.name": "exact",
  "route.labels": "exact",
  "route.description": "exact",
  "route.listeners[]": "exact",
  "route.hostnames[]": "exact",
  "route.rules[].name": "exact",
  "route.rules[].matches[].path.exact": "exact",
  "route.rules[].matches[].path.prefix": "exact",
  "route.rules[].matches[].path.regex": tooLarge,
  ...grpcCapabilities,
  ...fieldCapabilities,
  "route.rules[].split[].cluster": "exact",
  "route.rules[].split[].weight": [oneUdpCluster, noWebSocket],
  "route.rules[].redirect.scheme": "exact",
  "route.rules[].redirect.hostname": copiedHost,
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
