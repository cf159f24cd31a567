/** Codes that several targets report. What differs between them stands in the texts of their capability tables. */
import type { ErrorCodes } from "../errors/codes.ts";

/** Refusals and approximations of more than one proxy. */
export const sharedTargetCodes = {
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
      "PCRE2, with which nginx and HAProxy match, tries every way in which an ambiguous expression can match: for seconds, or until it gives up, and then a long path would pass the rule. Rewrite it so that the next character tells whether a repeat goes on (`(?:/[^/]+)+` can be had, `(?:[a-z]+/?)*` cannot; `.*` may stand before fixed text), or serve the route with Envoy.",
  },
  "L7-TIMEOUT-TOTAL": {
    status: 422,
    title: "No limit on a whole request",
    explanation:
      "A warning. The proxy limits silence, not the whole request: an answer that trickles can take longer than `timeouts.request`.",
  },
} as const satisfies ErrorCodes;
