/** Header fields of the request, as the endpoint gets it. */
import { headerChanges } from "./headerChanges.ts";
import type { Policy } from "./policy.ts";

/** Behind what every forwarded request gets (`defaults forward`). */
export const requestHeaders = {
  policy: "requestHeaders",
  changes: (changes) => headerChanges("request", changes),
  capabilities: {
    "route.rules[].requestHeaders.set[].name": "exact",
    "route.rules[].requestHeaders.set[].value": "exact",
    "route.rules[].requestHeaders.add[].name": "exact",
    "route.rules[].requestHeaders.add[].value": "exact",
    "route.rules[].requestHeaders.remove[]": "exact",
  },
} as const satisfies Policy<"requestHeaders">;
