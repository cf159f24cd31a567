/** Header fields of the answer, also of one that HAProxy makes for an endpoint that does not answer. */
import { headerChanges } from "./headerChanges.ts";
import type { Policy } from "./policy.ts";

/** In the backend, so that answers of other backends do not pay for it. */
export const responseHeaders = {
  policy: "responseHeaders",
  changes: (changes) => headerChanges("response", changes),
  capabilities: {
    "route.rules[].responseHeaders.set[].name": "exact",
    "route.rules[].responseHeaders.set[].value": "exact",
    "route.rules[].responseHeaders.add[].name": "exact",
    "route.rules[].responseHeaders.add[].value": "exact",
    "route.rules[].responseHeaders.remove[]": "exact",
  },
} as const satisfies Policy<"responseHeaders">;
