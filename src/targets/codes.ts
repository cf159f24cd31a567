/** Codes that several targets report. What differs between them stands in the texts of their capability tables. */
import type { ErrorCodes } from "../errors/codes.ts";

/** Refusals and approximations of more than one proxy. */
export const sharedTargetCodes = {
  "TLS-UDP": {
    status: 422,
    title: "TLS over UDP",
    explanation:
      "A UDP listener passes packets to a cluster whose endpoints are to be reached inside TLS. Give it a cluster without `tls`.",
  },
  "TLS-SUBJECT-NAMES": {
    status: 422,
    title: "Other names in a certificate",
    explanation:
      "One DNS name is compared with an endpoint's certificate by nginx and HAProxy, and it is the one that they ask for. `tls.subjectAltNames` has several names, a URI or a wildcard, or another name than `serverName`. Write `serverName` alone, or one name alone (then nothing is asked for), or serve the cluster with Envoy.",
  },
  "TLS-SUBJECT-CN": {
    status: 422,
    title: "Name in a certificate's subject",
    explanation:
      "A warning. HAProxy also takes a certificate that has the `serverName` of `tls` in its subject's CN only, and nginx does where the certificate has no DNS names. Envoy looks at subjectAltName alone. It matters only where an authority that you trust issues such certificates.",
  },
  "DRAIN-TIMEOUT-GRACE": {
    status: 422,
    title: "Drained before old processes end",
    explanation:
      "A reload of nginx or HAProxy makes new processes, and those of before keep what they have for the fleet's `process.shutdownGrace`. A cluster's `drainTimeout` cannot be shorter than that: make it longer, or the grace shorter.",
  },
  "LB-BOUNDED": {
    status: 422,
    title: "No bounded load",
    explanation:
      "The proxy hashes, but cannot bound an endpoint's share of the load. Leave `balance.hash.boundedLoad` off, or serve the cluster with Envoy or HAProxy.",
  },
  "PP-OPTIONAL": {
    status: 422,
    title: "PROXY header that may be missing",
    explanation:
      "`proxyProtocol: {mode: optional}`: the proxy either expects a PROXY header of a connection or does not. Use mode required and another port for clients that send none, name the senders in `from` on HAProxy, or serve the listener with Envoy.",
  },
  "LB-LATENCY": {
    status: 422,
    title: "No balancing by latency",
    explanation:
      "The proxy cannot choose endpoints by how fast they answer (nginx can from 1.31.0 on: set the fleet's `version`). leastRequest comes nearest: slow endpoints have more requests under way.",
  },
  "PROCESS-BUFFERS": {
    status: 422,
    title: "Buffers bound heads",
    explanation:
      "Larger or smaller buffers of nginx and HAProxy would also take larger or smaller heads than the other proxies do (60 KiB). Leave `process.bufferSize` off; Envoy takes it.",
  },
  "LIMIT-PLACES": {
    status: 422,
    title: "A limit that would be counted apart",
    explanation:
      "A cluster with `limits` is reached by HTTP and by TCP, or by several TCP listeners. Proxies count these apart, and the endpoints would get a multiple of the limit. Or it is reached by UDP, which has no connections. Write a cluster for each, with its part of the limit, and one without limits for UDP.",
  },
  "HC-OWN-PROBES": {
    status: 422,
    title: "The proxy probes by itself",
    explanation:
      "`healthChecks` of a fleet says who probes where the proxy cannot. Envoy and HAProxy can, and do whatever it says. Leave it off.",
  },
  "L7-DUP-HEADER": {
    status: 422,
    title: "Repeated header fields",
    explanation:
      "A warning. The proxy sees a header that a client sends several times otherwise than the model says. It matters only where clients do that.",
  },
  "L7-REGEX-BACKTRACKING": {
    status: 422,
    title: "Regular expression that backtracks",
    explanation:
      "PCRE2, with which nginx and HAProxy match, tries every way in which an ambiguous expression can match: for seconds, or until it gives up, and then a long path would pass the rule. Trimtab writes such expressions anew without ambiguity; this one would grow too large for a line of configuration. Use smaller counted repeats (`[a-z]+` for `[a-z]{1,200}`) and fewer words beside `.*` and repeated groups, split the rule, or serve the route with Envoy.",
  },
  "L7-RETRY-STATUS": {
    status: 422,
    title: "Status after which nothing is tried again",
    explanation:
      "A proxy of the fleet can try again after some statuses only: nginx after 403, 404, 429, 500, 502, 503 and 504, HAProxy after 401, 403, 404, 408, 425, 500 to 504. Name these in the rule's `retry.statuses`, or serve the route with Envoy.",
  },
  "L7-GRPC-RETRY": {
    status: 422,
    title: "No retry after statuses of gRPC",
    explanation:
      "A proxy other than Envoy passes a call's status on without looking at it. Leave `retry` off (a connection that cannot be made is tried on other endpoints all the same), let clients try again, or serve the route with Envoy.",
  },
  "L7-GRPC-DEADLINE": {
    status: 422,
    title: "Deadline of a call",
    explanation:
      "A warning. Envoy ends a call at the deadline that its client states. HAProxy ends it when the endpoint has been silent for as long; nginx leaves it to client and endpoint, who both know it. `timeouts` of the rule hold on all of them.",
  },
  "L7-RETRY-BACKOFF": {
    status: 422,
    title: "No pause between tries",
    explanation: "A warning. nginx and HAProxy try again at once, whatever `retry.backoff` says.",
  },
  "L7-RETRY-SILENCE": {
    status: 422,
    title: "Limit of a try limits all pauses",
    explanation:
      "A warning. nginx and HAProxy have one limit on the endpoint's silence: `retry.perTryTimeout` also cuts an answer whose body pauses for longer. On Envoy it ends with the head of the answer.",
  },
  "L7-RETRY-TOTAL": {
    status: 422,
    title: "Tries that may take longer than the request",
    explanation:
      "A rule with `timeouts.request` whose `retry` goes on after silence needs room for all tries: at least (`attempts` + 1) times `perTryTimeout`, since nginx and HAProxy have no limit on a whole request.",
  },
  "L7-TIMEOUT-CLIENT": {
    status: 422,
    title: "Limits for clients that are one",
    explanation:
      "A warning. The proxy has one limit where the listener has several, `bodyTimeout` and `sendTimeout` first of all: the longer one counts. The warning says which limits are one on that proxy; docs/timeouts.md has every case.",
  },
  "L7-TIMEOUT-IDLE": {
    status: 422,
    title: "Silence of the endpoint that is found late",
    explanation:
      "A warning. In some phase of a request the proxy cannot tell the endpoint's silence from the client's. It leaves clients the time that they have, so a short `timeouts.idle` acts later there; docs/timeouts.md has every case.",
  },
  "L7-TIMEOUT-TOTAL": {
    status: 422,
    title: "No limit on a whole request",
    explanation:
      "A warning. The proxy limits silence, not the whole request: an answer that trickles can take longer than `timeouts.request`.",
  },
  "LB-PRIO-LEVELS": {
    status: 422,
    title: "Too many levels of priority",
    explanation:
      "The endpoints of a cluster have more than two different priorities, and a fleet of nginx or HAProxy serves it: these know primaries and one level of backups. Use two, or serve the cluster with Envoy.",
  },
  "OUTLIER-PERCENT": {
    status: 422,
    title: "No bound on endpoints that are left out",
    explanation:
      "Only Envoy counts how many endpoints of a cluster it leaves out, so `outlierDetection.maxEjectedPercent` cannot hold on nginx and HAProxy. Leave it off: when all have failed, all are tried again. Or serve the cluster with Envoy.",
  },
  "OUTLIER-ALL": {
    status: 422,
    title: "All endpoints may be left out",
    explanation:
      "A warning. When every endpoint of the cluster fails in a row, the proxy leaves out all of them and answers 503 until one is back. Elsewhere they are tried again, on nginx and HAProxy as backups of themselves; that is not so of clusters with a health check, and on nginx not with policies hash, random and powerOfTwo, which have no backups.",
  },
  "XDS-ALLOW-FILES": {
    status: 422,
    title: "Rules for xDS on a fleet of files",
    explanation:
      "`xds.allow` says who may pull a fleet by xDS, and this fleet's proxy gets files: nobody would obey it. Leave it off; the API's token decides who fetches files.",
  },
} as const satisfies ErrorCodes;
