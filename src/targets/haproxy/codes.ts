/** Codes that only the HAProxy target reports. */
import type { ErrorCodes } from "../../errors/codes.ts";

/** Refusals and approximations of HAProxy. */
export const haproxyCodes = {
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
