/** Codes that only the nginx target reports. */
import type { ErrorCodes } from "../../errors/codes.ts";

/** Refusals and approximations of nginx. */
export const nginxCodes = {
  "NGINX-VERSION": {
    status: 422,
    title: "nginx too old",
    explanation:
      "The fleet's `version` is older than the oldest nginx that Trimtab writes for. Upgrade the proxies, then the field.",
  },
  "HC-ACTIVE-NGINX": {
    status: 422,
    title: "No active health checks",
    explanation:
      "Open-source nginx cannot probe endpoints. Leave the health check off the clusters that its fleets reach, serve them with Envoy or HAProxy, or write `healthChecks: external` in the fleet when somebody else probes and takes endpoints that fail out of the model.",
  },
  "HC-EXTERNAL-NGINX": {
    status: 422,
    title: "Somebody else has to probe",
    explanation:
      "A warning. The fleet says `healthChecks: external`: nginx is rendered without the health check and sends requests to every endpoint of the cluster. Whoever probes has to take endpoints that fail out of the model, and to put them back.",
  },
  "LIMIT-REQUESTS-NGINX": {
    status: 422,
    title: "Requests are counted, not connections",
    explanation:
      "A warning for HTTP listeners. nginx counts the requests that it forwards, not idle connections, and answers one more with 503 where the other proxies close the connection. Of TCP listeners it counts connections, and closes.",
  },
  "LB-BACKUP-HASH-NGINX": {
    status: 422,
    title: "Backups with a policy that knows none",
    explanation:
      "Backups need the policy roundRobin, leastRequest or leastTime in nginx. Give all endpoints of the cluster one priority, or another policy, or serve it with Envoy or HAProxy.",
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
    explanation: "A warning. nginx looks the cluster of each request up one by one; with thousands the time shows.",
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
  "L7-SPLIT-RESOLUTION": {
    status: 422,
    title: "Share too small",
    explanation:
      "A warning. nginx splits in steps of 0.01 %; the smallest share of the split is off by more than 5 % of itself.",
  },
} as const satisfies ErrorCodes;
