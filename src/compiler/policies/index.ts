/** The policies of a rule, each from its own file, interned. */
import type { InPolicyOrder, PoliciesIr } from "../../ir/index.ts";
import type { Interner } from "../interner.ts";
import type { Policy, RuleBody } from "./policy.ts";
import { requestHeaders } from "./requestHeaders.ts";
import { responseHeaders } from "./responseHeaders.ts";
import { rewrite } from "./rewrite.ts";
import { timeouts } from "./timeouts.ts";

const policies: InPolicyOrder<{ [K in keyof PoliciesIr]: Policy<K> }> = [
  responseHeaders,
  rewrite,
  requestHeaders,
  timeouts,
];

/** Equal policies, and equal sets of them, are one object. */
export function policiesOf(rule: RuleBody, interner: Interner): PoliciesIr {
  const found: Record<string, object | null> = {};
  for (const { policy, of } of policies) found[policy] = of(rule);
  // Most rules ask for the same: their set is found by one look.
  return interner.intern("policies", found as unknown as PoliciesIr, () => {
    for (const [policy, value] of Object.entries(found))
      if (value !== null) found[policy] = interner.intern(policy, value);
    return found as unknown as PoliciesIr;
  });
}
