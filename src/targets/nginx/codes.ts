/** Codes that only the nginx target reports. */
import type { ErrorCodes } from "../../errors/codes.ts";

/** Refusals and approximations of nginx. */
export const nginxCodes = {
  "HTTP3-NGINX": {
    status: 422,
    title: "No HTTP/3",
    explanation:
      "`http.http3: true` takes nginx 1.26.0 or later, built with QUIC (`--with-http_v3_module`; `nginx -V` tells), and the fleet's `version` has to say that it is so new: older ones were not tried. Without it clients speak HTTP/2 or HTTP/1.1 over TLS.",
  },
  "HTTP3-PASSED-NGINX": {
    status: 422,
    title: "HTTP/3 beside TLS listeners on nginx",
    explanation:
      "Where TLS listeners share the port nginx reads server names before it ends TLS, and over UDP nothing does that. Leave `http.http3` off, give the TLS listeners a port of their own, or serve the port with Envoy.",
  },
  "HTTP3-SILENCE-NGINX": {
    status: 422,
    title: "Silence of requests over HTTP/3 on nginx",
    explanation:
      "Over HTTP/3 nginx ends a connection on which nothing came for `http.keepAliveTimeout`, also while a request of it waits for its endpoint. Rules of the listener that wait for longer (`timeouts.idle`, or `timeouts.request` where that is shorter) would lose such requests. Raise `keepAliveTimeout` or lower the rules' limits.",
  },
  "HTTP3-HOST-NGINX": {
    status: 422,
    title: "Hosts of HTTP/3 on nginx",
    explanation:
      "A warning. Of a request over HTTP/3 nginx knows the host in small letters and without its port. Endpoints, the access log and redirects see it so, with the port that clients are told behind it (`http3Port`, else the listener's; none for 443). Browsers send just that.",
  },
  "HTTP3-RELOAD-NGINX": {
    status: 422,
    title: "Reloads and HTTP/3 on nginx",
    explanation:
      "A warning. Workers of before a reload go on reading the UDP sockets until they have finished what they have (at most `process.shutdownGrace`), and drop packets of new connections: handshakes and requests over HTTP/3 then take up to seconds, and some handshakes fail, so that clients come over TCP. Requests that were under way are answered. A short `shutdownGrace` makes that time short.",
  },
  "SLOWSTART-NGINX": {
    status: 422,
    title: "No slow start",
    explanation:
      "Open-source nginx gives an endpoint that comes back its whole share at once. Leave `slowStart` off, or serve the cluster with Envoy or HAProxy.",
  },
  "OUTLIER-WINDOW-NGINX": {
    status: 422,
    title: "Failures need not be in a row",
    explanation:
      "A warning. nginx (`max_fails`, `fail_timeout`) forgets failures only when none came for `outlierDetection.ejectFor`; answers in between do not end the count. With connections that cannot be made it counts an endpoint that closes without an answer or stays silent until a timeout: where some requests always time out, healthy endpoints are left out now and then.",
  },
  "OUTLIER-5XX-NORETRY-NGINX": {
    status: 422,
    title: "Answers of 5xx do not count",
    explanation:
      "An answer of 5xx counts on nginx towards `max_fails` only where `proxy_next_upstream` names it, and then nginx sends the request to another endpoint and hides the answer. Leave `outlierDetection.consecutive5xx` off, or serve the cluster with Envoy or HAProxy.",
  },
  "OUTLIER-INTERVAL-NGINX": {
    status: 422,
    title: "nginx looks when a request comes",
    explanation:
      "A warning. `outlierDetection.interval` says how often it is looked whether an endpoint may come back. nginx lets the first request after `ejectFor` try it, and the others when that went well.",
  },
  "NGINX-VERSION": {
    status: 422,
    title: "nginx too old",
    explanation:
      "The fleet's `version` is older than the oldest nginx that Trimtab writes for. Upgrade the proxies, then the field.",
  },
  "TLS-REPORT-NGINX": {
    status: 422,
    title: "Certificates that are only reported on nginx",
    explanation:
      "`clientAuthentication: {mode: report}` lets any certificate in. nginx can be told to let those of unknown authorities in, but closes connections of clients whose certificate has expired or is revoked. Use mode optional, or serve the listener with Envoy or HAProxy.",
  },
  "TLS-PERHOST-PROTO": {
    status: 422,
    title: "TLS versions by port",
    explanation:
      "Listeners that share an address and port ask for different versions of TLS (`tls.profile`, `tls.minVersion`, `tls.maxVersion`). nginx before 1.29.2 has one setting for all names of a socket. Give the listeners the same, or ports of their own, or say in `version` of the fleet that its nginx is newer.",
  },
  "TLS-SPLIT-NGINX": {
    status: 422,
    title: "Several kinds of TLS in one TCP port",
    explanation:
      "A TCP port of nginx has one way in which its connections to endpoints are secured. Clusters that one TCP route splits among must have the same `tls`. Give each a listener, or serve it with Envoy or HAProxy.",
  },
  "HC-ACTIVE-NGINX": {
    status: 422,
    title: "No active health checks",
    explanation:
      "Open-source nginx cannot probe endpoints. Leave the health check off the clusters that its fleets reach, serve them with Envoy or HAProxy, or write in the fleet who probes instead: `healthChecks: agent` is the agent beside each nginx, `external` somebody who takes endpoints that fail out of the model.",
  },
  "HC-EXTERNAL-NGINX": {
    status: 422,
    title: "Somebody else has to probe",
    explanation:
      "A warning. The fleet says `healthChecks: external`: nginx is rendered without the health check and sends requests to every endpoint of the cluster. Whoever probes has to take endpoints that fail out of the model, and to put them back.",
  },
  "HC-BODY-REGEX-NGINX": {
    status: 422,
    title: "Expression too large for the agent",
    explanation:
      "The fleet says `healthChecks: agent`, and to search 8 KiB of a body for `http.body.regex` could hold the agent up for too long. Repeats that count are written out: `x{500}` is as large as 500 letters. Write a shorter one, or `contains`.",
  },
  "HC-AGENT-NGINX": {
    status: 422,
    title: "The agent beside nginx probes",
    explanation:
      "A warning. The fleet says `healthChecks: agent`: the agent that runs nginx probes, with the same meaning of every field. An endpoint goes or comes back by a reload of nginx, at most one each 2 s, so up to 2 s later than on the other proxies. Files that are fetched and run without the agent are not probed by anybody: nginx sends requests to every endpoint then.",
  },
  "LIMIT-REQUESTS-NGINX": {
    status: 422,
    title: "Requests are counted, not connections",
    explanation:
      "A warning for HTTP listeners. nginx counts the requests that it forwards, not idle connections, and answers one more with 503 where the other proxies close the connection. Of TCP listeners it counts connections, and closes.",
  },
  "POOL-MAX-IDLE-NGINX": {
    status: 422,
    title: "Idle connections counted for each worker",
    explanation:
      "A warning. Each of nginx's workers keeps up to `pool.maxIdle` connections to the endpoints of the cluster. `process.workers` of the fleet says how many workers there are.",
  },
  "LIMIT-BACKUP-NGINX": {
    status: 422,
    title: "Backups of endpoints that are full",
    explanation:
      "Backups would be used too early: nginx sends requests to them as soon as all primaries are full, the other proxies only when no primary can serve. With `outlierDetection` an endpoint may be a backup of itself, for when all are left out. Leave `limits.maxConnectionsPerEndpoint` off, give all endpoints one priority, or serve the cluster with Envoy or HAProxy.",
  },
  "LIMIT-AFFINITY-NGINX": {
    status: 422,
    title: "Connections of endpoints, counted apart",
    explanation:
      "A cluster with `affinity` has a group of servers for each endpoint on nginx, and each group would count the connections of an endpoint apart. Leave `limits.maxConnectionsPerEndpoint` off (`maxRequests` works), or serve the cluster with Envoy or HAProxy.",
  },
  "LIMIT-SIZE-NGINX": {
    status: 422,
    title: "Limit too large for nginx",
    explanation: "A limit of nginx is at most 65535 connections or requests. Write a smaller one, or none.",
  },
  "QUEUE-NGINX": {
    status: 422,
    title: "No queue",
    explanation:
      "Open-source nginx has no queue for endpoints that are full: it answers 503 at once. Leave `limits.maxPending` and `queueTimeout` off, or serve the cluster with Envoy or HAProxy.",
  },
  "PROCESS-CONNECTIONS-NGINX": {
    status: 422,
    title: "Connections of each worker",
    explanation:
      "A warning. The connections of each worker are limited, those with endpoints included: `process.maxConnections` becomes an equal part for each, twice as large.",
  },
  "PROCESS-WORKERS-NGINX": {
    status: 422,
    title: "Connections of how many workers",
    explanation:
      "The connections of nginx are limited for each worker: `process.maxConnections` is divided among them, which needs `process.workers`, or CPUs in `cpuAffinity`.",
  },
  "KEEPALIVE-NGINX": {
    status: 422,
    title: "Keepalive towards endpoints",
    explanation:
      "A warning. Towards endpoints nginx can only switch the kernel's probes on; their times are those of the machine (sysctl `net.ipv4.tcp_keepalive_time`, `_intvl`, `_probes`). With clients they are those of the model.",
  },
  "LB-BACKUP-HASH-NGINX": {
    status: 422,
    title: "Backups with a policy that knows none",
    explanation:
      "Backups need the policy roundRobin, leastRequest or leastTime in nginx. Give all endpoints of the cluster one priority, or another policy, or serve it with Envoy or HAProxy.",
  },
  "L7-H2C-MIXED-NGINX": {
    status: 422,
    title: "One protocol on a port",
    explanation:
      "Before 1.25.1 nginx speaks one of both on a port without TLS. Set the fleet's `version` if its proxies are newer, write `http.http2: only` for a listener on another port, or serve the listener with Envoy or HAProxy.",
  },
  "L7-H2-ONLY-NGINX": {
    status: 422,
    title: "HTTP/2 is not alone",
    explanation:
      "A warning. With `http.http2: only` nginx 1.25.1 and later answer clients that begin with HTTP/1.1 too, where the other proxies close the connection.",
  },
  "L7-GRPC-HEADER-NGINX": {
    status: 422,
    title: "Long header name for calls",
    explanation:
      "A rule changes header fields of calls (routes of protocol grpc) whose name has more than 46 characters, or a rule of a listener that calls come to matches such a field: nginx cannot keep it. Use a shorter name, another listener, or serve the route with Envoy or HAProxy.",
  },
  "L7-H2-UPSTREAM-NGINX": {
    status: 422,
    title: "No HTTP/2 to endpoints",
    explanation:
      "From 1.29.4 on nginx forwards requests over HTTP/2. Set the fleet's `version` if its proxies are newer, leave the cluster's `protocol` at http1 (most servers speak both), or serve the listener with Envoy or HAProxy.",
  },
  "PP-V2-NGINX": {
    status: 422,
    title: "No PROXY v2 to endpoints",
    explanation:
      "Before 1.31.4 nginx sends PROXY v1 only. Set the fleet's `version` if its proxies are newer, take `proxyProtocol: v1` (most servers read both), or serve the listener with Envoy or HAProxy.",
  },
  "PP-HTTP-NGINX": {
    status: 422,
    title: "No PROXY header with requests",
    explanation:
      "An HTTP listener of the fleet reaches the cluster, and nginx sends PROXY headers for TCP listeners only. Endpoints learn the client from X-Forwarded-For; leave `proxyProtocol` off, or serve the route with Envoy or HAProxy.",
  },
  "PP-SPLIT-NGINX": {
    status: 422,
    title: "PROXY headers to some of a split",
    explanation:
      "Whether a PROXY header is sent, nginx says of a TCP port, not of its clusters. Give all clusters of the split the same `proxyProtocol`, or serve it with Envoy or HAProxy.",
  },
  "L4-CONNECT-TIMEOUT-NGINX": {
    status: 422,
    title: "One connect timeout for a TCP port",
    explanation: "A warning. Of several connect timeouts of a TCP split nginx uses the longest for all.",
  },
  "L4-UDP-RELOAD-NGINX": {
    status: 422,
    title: "UDP answers lost by a reload",
    explanation:
      "A warning. A reload of nginx, which any change of its fleet is, drops the answers to UDP packets that its old workers have passed on and that did not come back yet; sessions keep their endpoint. Clients that ask again, as those of DNS do, do not notice. Envoy loses none.",
  },
  "L4-UDP-HASH-NGINX": {
    status: 422,
    title: "UDP sessions by hash",
    explanation:
      "A warning. nginx forgets UDP sessions at each reload, so they find their endpoint by a hash of the client's address and port; `leastRequest` has no effect on them.",
  },
  "L7-SCALE": {
    status: 422,
    title: "Many clusters",
    explanation:
      "A warning. nginx looks the cluster of a request up one by one, and where clusters have affinity the endpoint too; with thousands the time shows.",
  },
  "L7-TIMEOUT-CLOSES": {
    status: 422,
    title: "Slow clients get no answer",
    explanation:
      "A warning. nginx closes the connection of a client that does not send its request in time; the other proxies answer 408 first.",
  },
  "L7-TIMEOUT-EARLY": {
    status: 422,
    title: "Short timeout may end early",
    explanation:
      "A warning. nginx moves a running timer only by 300 ms or more, so a short idle timeout may end that much early.",
  },
  "L7-RETRY-METHODS-NGINX": {
    status: 422,
    title: "Idempotent requests sent again anyway",
    explanation:
      "A warning. The rule's `retry.methods` leaves out an idempotent method. nginx sends its requests again all the same when they have no body and the connection breaks before the answer.",
  },
  "L7-RETRY-ENDPOINTS-NGINX": {
    status: 422,
    title: "More tries than endpoints",
    explanation:
      "A warning. nginx asks each endpoint of a cluster once for a request. The rule's `retry.attempts` is more than there are other endpoints, so nginx gives up earlier than the other proxies.",
  },
  "L7-SPLIT-RESOLUTION": {
    status: 422,
    title: "Share too small",
    explanation:
      "A warning. nginx splits in steps of 0.01 %; the smallest share of the split is off by more than 5 % of itself.",
  },
  "STICKY-SCALE-NGINX": {
    status: 422,
    title: "Too many endpoints with affinity",
    explanation:
      "For each endpoint that a cookie can name nginx needs a group of servers. They cost shared memory, and each request to such a cluster looks its group up among all of them. Split the fleet, or leave affinity off its largest clusters.",
  },
} as const satisfies ErrorCodes;
