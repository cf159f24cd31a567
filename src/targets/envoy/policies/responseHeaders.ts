/** Changes of the answer's header fields, also of Envoy's own answers. */
import { RESPONSE_HEADERS, writeHeaderChanges } from "./headers.ts";
import type { RoutePolicy } from "./policy.ts";

/** The policy. */
export const responseHeaders = {
  policy: "responseHeaders",
  capabilities: {
    "route.rules[].responseHeaders.set[].name": "exact",
    "route.rules[].responseHeaders.set[].value": "exact",
    "route.rules[].responseHeaders.add[].name": "exact",
    "route.rules[].responseHeaders.add[].value": "exact",
    "route.rules[].responseHeaders.remove[]": "exact",
  },
  of: "answers",
  write: (writer, changes) => writeHeaderChanges(writer, changes, RESPONSE_HEADERS),
} as const satisfies RoutePolicy<"responseHeaders">;
