/** Codes that only the HAProxy target reports. */
import type { ErrorCodes } from "../../errors/codes.ts";

/** Refusals and approximations of HAProxy. */
export const haproxyCodes = {
  "HTTP3-HAPROXY": {
    status: 422,
    title: "No HTTP/3",
    explanation:
      "`http.http3: true` is written for HAProxy 3.0 and later, built with QUIC (`USE_QUIC`; with OpenSSL also `USE_QUIC_OPENSSL_COMPAT`), as Debian 13's is and Debian 12's 2.6 is not; nothing between the two was tried. Say the fleet's `version`, or leave it off: clients speak HTTP/2 or HTTP/1.1 over TLS. Or serve the listener with Envoy.",
  },
  "HTTP3-CONNECTIONS-HAPROXY": {
    status: 422,
    title: "Connections of HTTP/3 that end",
    explanation:
      "A warning. When HAProxy is reloaded, its connections of HTTP/3 that are idle end at once, without the GOAWAY that tells a client what was not done, so a request that was just on its way gets no answer; clients connect anew, and what is under way is answered. A connection whose client comes from another address or port, as phones and routers do, gets nothing more, and the client connects anew when it has given up. Envoy drains such connections and follows such clients.",
  },
  "HTTP3-CLIENTS-HAPROXY": {
    status: 422,
    title: "HTTP/3 beside certificates of clients",
    explanation:
      "`http.http3: true` together with `tls.clientAuthentication`, of any listener of the port: HAProxy 3.0 resumes sessions over QUIC though it is told not to (`no-tls-tickets`), and nobody is verified when one is; clients without a good certificate get no answer and are not told why. Leave one of them off, or give the listener that asks a port of its own.",
  },
  "HTTP3-SHARED-HAPROXY": {
    status: 422,
    title: "HTTP/3 beside TLS listeners",
    explanation:
      "`http.http3: true` on a port that listeners of protocol TLS share, together with `connectionLimit` or `tls.unknownServerName: first`: there HAProxy reads server names in a frontend in front, which connections over QUIC do not pass. It would count them apart, and show the first certificate for names of the TLS listeners too. Leave one of them off, or give the TLS listeners a port of their own.",
  },
  "TLS-REPORT-HAPROXY": {
    status: 422,
    title: "Reported client certificates on a shared socket",
    explanation:
      "`clientAuthentication: {mode: report}` lets any certificate in. HAProxy can ignore what is wrong with certificates for a whole socket only, so a listener that requires a good one would be open beside it. Give all listeners of the address and port the same mode, or take ports apart.",
  },
  "HC-GRPC-HAPROXY": {
    status: 422,
    title: "gRPC probes that wait",
    explanation:
      "A warning. HAProxy sends a gRPC probe as bytes and waits for those of an answer that says SERVING. An endpoint that says something else, or does not know the service, has failed only when it closes the connection or the health check's `timeout` is over. Make `timeout` short.",
  },
  "SLOWSTART-HAPROXY": {
    status: 422,
    title: "Slow start of what failed only",
    explanation:
      "A warning. A server of HAProxy begins with a small share when it was down: when a health check or `outlierDetection` had taken it out. One that is new in the configuration, or was drained, has its whole share at once; Envoy lets new ones begin small too.",
  },
  "SLOWSTART-MIN-HAPROXY": {
    status: 422,
    title: "First share is fixed",
    explanation:
      "A warning. HAProxy's servers begin with one sixteenth of their weight, whatever `slowStart.minPercent` says.",
  },
  "OUTLIER-CHECKED-HAPROXY": {
    status: 422,
    title: "A health check brings endpoints back early",
    explanation:
      "A warning. A server of HAProxy is up or down, whatever took it out. In a cluster with a health check, one that failed in the traffic is back as soon as its check has passed `rise` times in a row, and not after `outlierDetection.ejectFor`.",
  },
  "OUTLIER-5XX-HAPROXY": {
    status: 422,
    title: "Wrong answers and failed connections are one count",
    explanation:
      "A warning. With `outlierDetection.consecutive5xx` HAProxy counts wrong answers, broken ones, silence and connections that cannot be made together, and takes the smaller of both numbers. 501 and 505 do not count.",
  },
  "HAPROXY-VERSION": {
    status: 422,
    title: "HAProxy too old",
    explanation:
      "The fleet's `version` is older than the oldest HAProxy that Trimtab writes for. Upgrade the proxies, then the field.",
  },
  "HAPROXY-LOG-FILE": {
    status: 422,
    title: "HAProxy writes no files",
    explanation:
      "The fleet's access log has a `path`, and HAProxy can write to its standard output only (or to a syslog server). Leave `path` off and let whoever starts HAProxy keep its output: systemd's journal, the container's log, `>> file`.",
  },
  "PP-OPTIONAL-HAPROXY": {
    status: 422,
    title: "Header by the client's address",
    explanation:
      "A warning. HAProxy is told by `from` who sends a PROXY header: those always send one, or are closed; all others are clients themselves, whatever they send.",
  },
  "L4-UDP-HAPROXY": {
    status: 422,
    title: "No UDP",
    explanation: "HAProxy passes no UDP packets. Take the fleet off the listener, or serve it with Envoy or nginx.",
  },
  "L7-RETRY-PREVIOUS-HAPROXY": {
    status: 422,
    title: "Endpoints that are tried twice",
    explanation:
      "A warning. HAProxy keeps a further try off the endpoint of the try before, and not off those before that: with `retry.attempts` of 2 or more, and always with `balance.policy: hash`, it may ask the first endpoint again though another one has not been asked.",
  },
  "L7-RETRY-BACKENDS-HAPROXY": {
    status: 422,
    title: "Too many ways to try again",
    explanation:
      "HAProxy says of a backend when to try again, so each different `retry` of a cluster's rules needs one with all of its endpoints. Let more rules say the same, or serve the routes with another proxy.",
  },
  "POOL-MAX-IDLE-HAPROXY": {
    status: 422,
    title: "Idle connections counted for each endpoint",
    explanation: "A warning. HAProxy keeps up to `pool.maxIdle` connections to each endpoint of the cluster.",
  },
  "POOL-IDLE-TIMEOUT-HAPROXY": {
    status: 422,
    title: "Idle connections closed in rounds",
    explanation:
      "A warning. HAProxy closes idle connections in rounds of a third of `pool.idleTimeout`, in each about half of those that it did not need: one alone after `idleTimeout`, the last of many later.",
  },
  "POOL-REQUESTS-HAPROXY": {
    status: 422,
    title: "Requests of a connection not counted",
    explanation:
      "HAProxy cannot close an HTTP/1.1 connection to an endpoint after a number of requests. Leave `pool.maxRequestsPerConnection` off the clusters that its fleets reach.",
  },
  "LB-LC-WEIGHTS-HAPROXY": {
    status: 422,
    title: "Least request with unequal weights",
    explanation:
      "A warning. HAProxy's least request does not look at weights while all endpoints are idle: it takes them in turn. Under load it does.",
  },
  "PROCESS-CONNECTIONS-HAPROXY": {
    status: 422,
    title: "What is too much waits",
    explanation:
      "A warning. HAProxy takes no more connections than `process.maxConnections` and leaves the next in the kernel's queue (`backlog`), where clients wait; Envoy closes them. `listener.connectionLimit` closes on all proxies.",
  },
  "LIMIT-RETRY-HAPROXY": {
    status: 422,
    title: "A limit that would be counted for each retry",
    explanation:
      "On HAProxy rules that say different things of `retry` have a backend each, and each would count the requests of the cluster apart. Let all rules that forward to a cluster with `limits` say the same of `retry`, write a cluster for each, or serve it with Envoy or nginx.",
  },
  "LIMIT-ENDPOINT-HAPROXY": {
    status: 422,
    title: "Full endpoints are not passed over",
    explanation:
      "A warning. With the policies hash, random and powerOfTwo HAProxy chooses an endpoint whether it is full or not, and the request waits for it (5s, or `queueTimeout`; then 503), also while others have room. With roundRobin and leastRequest it takes another.",
  },
  "HC-CONNECT-TIMEOUT": {
    status: 422,
    title: "Connection for a probe limited apart",
    explanation:
      "A warning. HAProxy limits the making of a probe's connection by other times than the wait for its answer.",
  },
  "HC-INITIAL-UP": {
    status: 422,
    title: "Endpoints begin up",
    explanation:
      "A warning. HAProxy before 3.1 sends traffic to an endpoint until its first probe has failed. Set the fleet's `version` if it is newer.",
  },
} as const satisfies ErrorCodes;
