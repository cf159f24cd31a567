/** Changes of the request's header fields, as the endpoint sees them. */
import { writeHeaderChanges } from "./headers.ts";
import { ROUTE, type RoutePolicy } from "./policy.ts";

const FIELDS = { toAdd: ROUTE.requestHeadersToAdd, toRemove: ROUTE.requestHeadersToRemove } as const;

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
  write: (writer, changes) => writeHeaderChanges(writer, changes, FIELDS),
} as const satisfies RoutePolicy<"requestHeaders">;
