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
  "L7-TIMEOUT-TOTAL": {
    status: 422,
    title: "No limit on a whole request",
    explanation:
      "A warning. The proxy limits silence, not the whole request: an answer that trickles can take longer than `timeouts.request`.",
  },
} as const satisfies ErrorCodes;
