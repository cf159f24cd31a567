/** The policies of a rule in the order in which they act: each from its own file. */
import type { InPolicyOrder, PoliciesIr, RuleIr } from "../../../ir/index.ts";
import type { Change, Policy } from "./policy.ts";
import { requestHeaders } from "./requestHeaders.ts";
import { responseHeaders } from "./responseHeaders.ts";
import { retry } from "./retry.ts";
import { rewrite } from "./rewrite.ts";
import { timeouts } from "./timeouts.ts";

export type { Change } from "./policy.ts";

const policies: InPolicyOrder<{ [K in keyof PoliciesIr]: Policy<K> }> = [
  responseHeaders,
  rewrite,
  requestHeaders,
  timeouts,
  retry,
];

/** All that a rule's policies do. */
export function changesOf(owner: RuleIr): readonly Change[] {
  return policies.flatMap((policy) => changesOfOne(policy, owner));
}

function changesOfOne<K extends keyof PoliciesIr>(policy: Policy<K>, owner: RuleIr): readonly Change[] {
  const own = owner.policies[policy.policy];
  return own === null ? NONE : policy.changes(own, owner);
}

const NONE: readonly Change[] = [];

/** What HAProxy does with the policies' leaves. */
export const policyCapabilities = {
  ...responseHeaders.capabilities,
  ...rewrite.capabilities,
  ...requestHeaders.capabilities,
  ...timeouts.capabilities,
  ...retry.capabilities,
};
