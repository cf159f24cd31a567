/** Changes to the header fields of every answer of a rule. */
import { headerChanges } from "./headers.ts";
import type { Policy } from "./policy.ts";

/** Of any rule. */
export const responseHeaders: Policy<"responseHeaders"> = {
  policy: "responseHeaders",
  of: (rule) => headerChanges(rule.responseHeaders),
};
