/** The policies of a rule as nginx has them, in the order in which they act. */
import type { InPolicyOrder, PoliciesIr, RuleIr } from "../../../ir/index.ts";
import { type Policy, type PolicyPart, UNCHANGED } from "./policy.ts";
import { requestHeaders } from "./requestHeaders.ts";
import { responseHeaders } from "./responseHeaders.ts";
import { retry } from "./retry.ts";
import { rewrite } from "./rewrite.ts";
import { timeouts } from "./timeouts.ts";

/** A policy of the IR that has no entry here, or has it in the wrong place, does not compile. */
const policies: InPolicyOrder<{ readonly [Name in keyof PoliciesIr]: Policy<Name> }> = [
  responseHeaders,
  rewrite,
  requestHeaders,
  timeouts,
  retry,
];

/** What the capability table says of the policies' leaves. */
export const policyCapabilities = {
  ...responseHeaders.capabilities,
  ...rewrite.capabilities,
  ...requestHeaders.capabilities,
  ...timeouts.capabilities,
  ...retry.capabilities,
};

/** What the rule's policies give, in their order; those that change nothing give nothing. */
export function lowerPolicies(rule: RuleIr): readonly PolicyPart[] {
  const parts: PolicyPart[] = [];
  for (const policy of policies) {
    const value = rule.policies[policy.name];
    if (value === null) continue;
    const part = (policy as Policy<keyof PoliciesIr>).lower(value, rule);
    if (part !== UNCHANGED) parts.push(part);
  }
  return parts;
}
