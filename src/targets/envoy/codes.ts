/** Codes that only the Envoy target reports. */
import type { ErrorCodes } from "../../errors/codes.ts";

/** Refusals and approximations of Envoy. */
export const envoyCodes = {
  "HTTP3-CONNECTION-LIMIT-ENVOY": {
    status: 422,
    title: "HTTP/3 beside a limit of connections",
    explanation:
      "A listener has `http.http3: true` and `connectionLimit.max`. Envoy counts the connections of each of its sockets by itself, and HTTP/3 comes by one more, over UDP: there could be twice as many. Leave one of the two off.",
  },
  "HTTP3-CLIENTS-ENVOY": {
    status: 422,
    title: "HTTP/3 beside clients' certificates",
    explanation:
      "A listener, or one that shares its port, has `http.http3: true` and `tls.clientAuthentication`. Envoy is not told to ask for certificates over QUIC. Leave HTTP/3 off there, or give the listener that asks for certificates a port of its own.",
  },
  "TLS-REPORT-LOG-ENVOY": {
    status: 422,
    title: "Reported certificates in the connection log",
    explanation:
      "Envoy does not tell of a TCP connection whether the certificate that mode `report` has let in is good. Take require or optional, or leave `tls_client_verified` out of the access log.",
  },
  "TLS-CONNECTION-LIMIT-ENVOY": {
    status: 422,
    title: "Connections counted by certificate",
    explanation:
      "A warning. An HTTPS listener with several sets of certificates has a filter chain for each on Envoy, and `connectionLimit.max` counts the connections of a chain. All together may be as many times more.",
  },
  "DRAIN-TIMEOUT-ENVOY": {
    status: 422,
    title: "Connections of one endpoint go on",
    explanation:
      "Envoy has no way to end the connections of one endpoint: they go on until one side ends them, also when the endpoint is down or gone. Leave `drainTimeout` off, bound requests by the rules' `timeouts`, or serve the cluster with another proxy.",
  },
  "HC-GRPC-FALL-ENVOY": {
    status: 422,
    title: "Not serving counts at once",
    explanation:
      "A warning. An endpoint whose gRPC health service answers with anything but SERVING is out at that answer on Envoy, whatever the health check's `fall` says; on the other proxies after `fall` of them in a row. Probes without an answer are counted everywhere.",
  },
  "HC-BODY-REGEX-ENVOY": {
    status: 422,
    title: "No regular expression for a body",
    explanation:
      "Envoy's health check looks for text in the body of an answer. Write `http.body.contains`, or serve the cluster with another proxy.",
  },
  "HC-INITIAL-ENVOY": {
    status: 422,
    title: "Endpoints begin down",
    explanation:
      "A warning. A health check says `initial: up`, and Envoy sends an endpoint nothing before its first probe has passed. That probe is sent at once: a new endpoint that answers has traffic after some 20 ms.",
  },
  "OUTLIER-LOCAL-ENVOY": {
    status: 422,
    title: "Silence counts as a failed connection",
    explanation:
      "A warning. `outlierDetection.consecutiveConnectFailures` means connections that cannot be made. Envoy counts with them an endpoint that closes the connection without an answer, or stays silent until a timeout; any answer ends the count.",
  },
  "ENVOY-VERSION": {
    status: 422,
    title: "Envoy too old",
    explanation:
      "The fleet's `version` is older than the oldest Envoy that Trimtab writes for. Upgrade the proxies, then the field.",
  },
  "L4-UDP-SPLIT-ENVOY": {
    status: 422,
    title: "UDP listener with several clusters",
    explanation:
      "Envoy's UDP proxy has no weights: all sessions of a listener go to one cluster. Put the endpoints in one cluster, with weights, or serve the listener with nginx.",
  },
  "PP-CIDR-ENVOY": {
    status: 422,
    title: "Headers from some clients only",
    explanation:
      "With `mode: optional` Envoy reads a PROXY header from whoever sends one, and cannot be told to take it from `from` alone. Use `mode: required` with `from` (others are closed), two listeners, or HAProxy.",
  },
  "LIMIT-SOURCE-ENVOY": {
    status: 422,
    title: "No limit by address",
    explanation:
      "Envoy cannot count the connections of one address. Leave `connectionLimit.perSource` off, or serve the listener with nginx or HAProxy.",
  },
  "PROCESS-AFFINITY-ENVOY": {
    status: 422,
    title: "Envoy binds no workers",
    explanation:
      "Envoy's workers run on all CPUs that its process may use. Write those in `process.cpuAffinity` (`0-3`); `trimtab bootstrap --print-launcher` prints the command that starts it on them.",
  },
  "PROCESS-REUSE-PORT-ENVOY": {
    status: 422,
    title: "Each worker has a socket",
    explanation:
      "Envoy opens a socket for each worker, and cannot change that for a listener that is open. Leave `process.reusePort` off, or write true.",
  },
  "LIMIT-ENDPOINT-ENVOY": {
    status: 422,
    title: "No limit of one endpoint without a queue",
    explanation:
      "A warning. Envoy lets what is too much for one endpoint wait, and refuses nothing. Without `maxPending` the limit is therefore one of the whole cluster: as many times as it has active endpoints, also when some of them fail, so that one may get more than another; leastRequest keeps them even. With `maxPending` each endpoint has the limit, but Envoy chooses by the policy alone: a request waits for the endpoint that it was drawn for while others have room. Each worker counts its idle connections too, and may have one connection whatever the limit.",
  },
  "HC-GRPC-PROTOCOL-ENVOY": {
    status: 422,
    title: "Requests go as the probe does",
    explanation:
      "A warning. Envoy takes a gRPC health check for clusters only that can speak HTTP/2. In a cluster with `protocol: http1` it then forwards requests as they came: those of HTTP/2 clients over HTTP/2, which the endpoint speaks for its health check. Write `protocol: http2` if all should, or a check of type http.",
  },
  "LIMIT-QUEUE-HTTP2-ENVOY": {
    status: 422,
    title: "No queue over HTTP/2",
    explanation:
      "With `protocol: http2` requests share a connection, so in Envoy none waits for one, and `limits.maxPending` has no meaning. Leave it off (`maxConnectionsPerEndpoint` then limits all endpoints together), take `protocol: http1`, or serve the cluster with HAProxy.",
  },
  "L7-WEBSOCKET-SPLIT-ENVOY": {
    status: 422,
    title: "WebSocket beside HTTP/2 to endpoints",
    explanation:
      "A warning. WebSocket requests are not forwarded to clusters with `protocol: http2`; they are answered 403. Envoy decides that for a rule: where its split has clusters of both protocols, all of its WebSocket requests are. Write a rule for the WebSocket's path that leads to clusters of one protocol.",
  },
  "QUEUE-TIMEOUT-ENVOY": {
    status: 422,
    title: "A queue without a timeout",
    explanation:
      "A warning. In Envoy a request waits for a connection as long as its rule's `timeouts` let it, and is answered 504 then; `queueTimeout` has no effect. A request whose connection is just being made counts as one that waits, so that a burst may be answered 503 while endpoints have room.",
  },
  "PROCESS-ENVOY-ARGUMENTS": {
    status: 422,
    title: "On Envoy's command line",
    explanation:
      "A warning. Envoy takes what `process` says on its command line, not by xDS: `trimtab bootstrap --fleet NAME --print-arguments MODEL` prints it, and `--print-launcher` what stands in front of the command. Envoys that run keep what they were started with until somebody starts them again.",
  },
  "L7-COOKIE-ANCHOR": {
    status: 422,
    title: "Anchor in a cookie's expression",
    explanation:
      "Envoy finds a cookie by an expression over the whole Cookie header, where `^` and `$` mean its ends. Leave them out: an expression matches the whole value anyway.",
  },
  "L7-REGEX-SIZE": {
    status: 422,
    title: "Regex too large",
    explanation:
      "The expression compiles to more RE2 instructions than Envoy loads. Use fewer or smaller counted repeats.",
  },
  "L7-RETRY-IDLE-ENVOY": {
    status: 422,
    title: "Silence that looks like a reset",
    explanation:
      "The rule's `retry` sends requests again after a reset and not after silence, and its `timeouts.idle` is under 60 s. Envoy ends a try that is silent as it would end a broken one. Add `timeout` to `retry.on`, or leave `idle` at 60 s or more.",
  },
  "L7-REDIRECT-HOST": {
    status: 422,
    title: "Redirect to the host as it was written",
    explanation:
      "A warning. Under a wildcard Envoy copies the Host header into Location as the client wrote it. Set `redirect.hostname` to avoid it, or for `http.redirectToHttps` the listener's `hostname`.",
  },
  "LB-RANDOM-WEIGHTS-ENVOY": {
    status: 422,
    title: "Random with unequal weights",
    explanation:
      "Envoy's random takes all endpoints alike, whatever their weights. Give them one weight, or take powerOfTwo or roundRobin.",
  },
  "LB-BOUNDED-ENVOY": {
    status: 422,
    title: "Bounded load that does not see a burst",
    explanation:
      "A warning. Envoy counts a request of a bounded endpoint when it has a connection. Many that come at once, before connections are made, may exceed the bound; steady traffic does not.",
  },
  "POOL-MAX-IDLE-ENVOY": {
    status: 422,
    title: "Idle connections not counted",
    explanation:
      "A warning. Envoy keeps idle connections to endpoints until `pool.idleTimeout`, however many there are.",
  },
  "LB-LC-WEIGHTS-ENVOY": {
    status: 422,
    title: "Least request with unequal weights",
    explanation:
      "A warning. With unequal weights Envoy's least request is a weighted round robin that takes running requests into account. One request at a time goes by weight; under load the endpoint with the larger weight gets less than its share.",
  },
  "HC-BODY-FALL-ENVOY": {
    status: 422,
    title: "Body of a health check counts at once",
    explanation:
      "A warning. On Envoy one answer with an expected status and another body takes an endpoint out; `fall` counts only other failures.",
  },
} as const satisfies ErrorCodes;
