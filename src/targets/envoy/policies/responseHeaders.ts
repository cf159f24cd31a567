/** Changes of the answer's header fields, also of Envoy's own answers. */
import { writeHeaderChanges } from "./headers.ts";
import { ROUTE, type RoutePolicy } from "./policy.ts";

const FIELDS = { toAdd: ROUTE.responseHeadersToAdd, toRemove: ROUTE.responseHeadersToRemove } as const;

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
  write: (writer, changes) => writeHeaderChanges(writer, changes, FIELDS),
} as const satisfies RoutePolicy<"responseHeaders">;
