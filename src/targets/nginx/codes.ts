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
  "LIMIT-BACKUP-NGINX": {
    status: 422,
    title: "Backups of endpoints that are full",
    explanation:
      "Backups would be used too early: nginx sends requests to them as soon as all primaries are full, the other proxies only when no primary can serve. Leave `limits.maxConnectionsPerEndpoint` off, give all endpoints one priority, or serve the cluster with Envoy or HAProxy.",
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
  "L4-CONNECT-TIMEOUT-NGINX": {
    status: 422,
    title: "One connect timeout for a TCP port",
    explanation: "A warning. Of several connect timeouts of a TCP split nginx uses the longest for all.",
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
