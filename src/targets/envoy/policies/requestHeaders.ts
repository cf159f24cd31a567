/** Changes of the request's header fields, as the endpoint sees them. */
import { REQUEST_HEADERS, writeHeaderChanges } from "./headers.ts";
import type { RoutePolicy } from "./policy.ts";

/** The policy. */
export const requestHeaders = {
  policy: "requestHeaders",
  capabilities: {
    "route.rules[].requestHeaders.set[].name": "exact",
    "route.rules[].requestHeaders.set[].value": "exact",
    "route.rules[].requestHeaders.add[].name": "exact",
    "route.rules[].requestHeaders.add[].value": "exact",
    "route.rules[].requestHeaders.remove[]": "exact",
  },
  of: "forwarded",
  write: (writer, changes) => writeHeaderChanges(writer, changes, REQUEST_HEADERS),
} as const satisfies RoutePolicy<"requestHeaders">;
