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
  for (const { policy, of } of policies) {
    const value = of(rule);
    found[policy] = value === null ? null : interner.intern(policy, value);
  }
  return interner.intern("policies", found as unknown as PoliciesIr);
}
