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
  "LB-LC-WEIGHTS-HAPROXY": {
    status: 422,
    title: "Least request with unequal weights",
    explanation:
      "A warning. HAProxy's least request does not look at weights while all endpoints are idle: it takes them in turn. Under load it does.",
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
