/**
 * What HAProxy does with each leaf of the model: those of fields and policies stand in their files. The facts are measured; codes as
 * in the design notes.
 */

import { geoTableCapabilities } from "../geoTableCapabilities.ts";
import { probesItself } from "../probesItself.ts";
import { pulledAsFiles } from "../pulledAsFiles.ts";
import { backtracking } from "../regexFindings.ts";
import { type Capabilities, foundByInspection, type Support } from "../target.ts";
import { certificateCapabilities, tlsListenerCapabilities } from "../tlsCapabilities.ts";
import { tooOld } from "../version.ts";
import { accessLogCapabilities } from "./accessLog.ts";
import { clientAuthenticationCapabilities } from "./clientAuthenticationSupport.ts";
import { clusterCapabilities } from "./cluster/capabilities.ts";
import { clusterTlsCapabilities } from "./cluster/tlsSupport.ts";
import { connectionLimitCapabilities } from "./connectionLimit.ts";
import { fieldCapabilities } from "./fields.ts";
import { grpcCapabilities } from "./grpcSupport.ts";
import { http3Capabilities } from "./http3Support.ts";
import { policyCapabilities } from "./policies/index.ts";
import { processCapabilities } from "./process.ts";
import { proxyProtocolCapabilities } from "./proxyProtocol.ts";
import { socketCapabilities } from "./sockets.ts";
import { tcpOnly, udpCapabilities } from "./udp.ts";
import { DEFAULT_VERSION } from "./version.ts";

const clientSilence: Support = {
  approximated: "is the longer of `bodyTimeout` and `sendTimeout`: HAProxy has one limit on a client's silence.",
  code: "L7-TIMEOUT-CLIENT",
};

const bodySilence: Support = {
  approximated:
    "is the longer of `bodyTimeout` and `sendTimeout`: HAProxy has one limit on a client's silence. Of a body that is chunked or longer " +
    "than 16 KiB HAProxy cannot tell the client's silence from the endpoint's: 504 after the longer of 60 s and the rule's `idle`.",
  code: "L7-TIMEOUT-CLIENT",
};

/** No single field shows it. */
export const withinSilence = {
  approximated:
    "is at most the longer of `bodyTimeout` and `sendTimeout`: HAProxy's limit on a client's silence holds for all that it waits for.",
  code: "L7-TIMEOUT-CLIENT",
  when: foundByInspection,
} as const satisfies Support;

/** One line per leaf path; a new field does not compile until it has one. */
export const capabilities = {
  "fleet.name": "exact",
  "fleet.labels": "exact",
  "fleet.description": "exact",
  "fleet.proxy": "exact",
  "fleet.version": tooOld("HAProxy", DEFAULT_VERSION, "HAPROXY-VERSION"),
  "fleet.bindAddress": "exact",
  "fleet.healthChecks": probesItself("HAProxy"),
  ...accessLogCapabilities,
  ...processCapabilities,
  ...socketCapabilities,
  "fleet.xds.allow[]": pulledAsFiles("HAProxy"),
  "listener.name": "exact",
  "listener.labels": "exact",
  "listener.description": "exact",
  "listener.fleets[]": "exact",
  "listener.address": "exact",
  "listener.port": "exact",
  "listener.protocol": tcpOnly,
  "listener.hostname": "exact",
  "listener.idleTimeout": "exact",
  ...udpCapabilities,
  ...connectionLimitCapabilities,
  ...proxyProtocolCapabilities,
  "listener.http.headersTimeout": withinSilence,
  "listener.http.bodyTimeout": bodySilence,
  "listener.http.sendTimeout": clientSilence,
  "listener.http.keepAliveTimeout": withinSilence,
  "listener.http.http2": "exact",
  ...http3Capabilities,
  "listener.http.viaGuard": "exact",
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
