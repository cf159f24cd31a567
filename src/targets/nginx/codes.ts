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
      "Open-source nginx cannot probe endpoints. Leave the health check off the clusters that its fleets reach, serve them with Envoy or HAProxy, or write in the fleet who probes instead: `healthChecks: agent` is the agent beside each nginx, `external` somebody who takes endpoints that fail out of the model.",
  },
  "HC-EXTERNAL-NGINX": {
    status: 422,
    title: "Somebody else has to probe",
    explanation:
      "A warning. The fleet says `healthChecks: external`: nginx is rendered without the health check and sends requests to every endpoint of the cluster. Whoever probes has to take endpoints that fail out of the model, and to put them back.",
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
