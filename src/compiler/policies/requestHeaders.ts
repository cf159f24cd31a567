/** Changes to the header fields of a forwarded request. */
import { headerChanges } from "./headers.ts";
import type { Policy } from "./policy.ts";

/** Only beside a split. */
export const requestHeaders: Policy<"requestHeaders"> = {
  policy: "requestHeaders",
  of: (rule) => headerChanges(rule.requestHeaders),
};
