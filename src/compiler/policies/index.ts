/** The policies of a rule, each from its own file, interned. */
import type { InPolicyOrder, PoliciesIr } from "../../ir/index.ts";
import type { CompilerMemory } from "../memory.ts";
import type { Policy, RuleBody } from "./policy.ts";
import { requestHeaders } from "./requestHeaders.ts";
import { responseHeaders } from "./responseHeaders.ts";
import { retry } from "./retry.ts";
import { rewrite } from "./rewrite.ts";
import { timeouts } from "./timeouts.ts";

const policies: InPolicyOrder<{ [K in keyof PoliciesIr]: Policy<K> }> = [
  responseHeaders,
  rewrite,
  requestHeaders,
  timeouts,
  retry,
];

/** Equal policies, and equal sets of them, are one object. */
export function policiesOf(rule: RuleBody, memory: CompilerMemory): PoliciesIr {
  const { interner, latestPolicies } = memory;
  // Most rules ask for the same as the rule before, down to the objects.
  if (latestPolicies !== null && asksFor(rule, latestPolicies)) return latestPolicies;
  const found: Record<string, object | null> = {};
  for (const { policy, of } of policies) found[policy] = of(rule);
  memory.latestPolicies = interner.intern("policies", found as unknown as PoliciesIr, () => {
    for (const [policy, value] of Object.entries(found))
      if (value !== null) found[policy] = interner.intern(policy, value);
    return found as unknown as PoliciesIr;
  });
  return memory.latestPolicies;
}

function asksFor(rule: RuleBody, set: PoliciesIr): boolean {
  // A plain loop, as in other places that every rule of a model passes: an iterator's results cost more than the rest before code is warm.
  for (let index = 0; index < policies.length; index++) {
    const { policy, of } = policies[index] as (typeof policies)[number];
    if (of(rule) !== set[policy]) return false;
  }
  return true;
}
