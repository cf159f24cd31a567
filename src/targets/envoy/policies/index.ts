/** The policies of a rule as Envoy carries them out, each from its own file. */
import type { BinaryWriter } from "@bufbuild/protobuf/wire";
import type { InPolicyOrder, PoliciesIr } from "../../../ir/index.ts";
import type { RoutePlace, RoutePolicy } from "./policy.ts";
import { requestHeaders } from "./requestHeaders.ts";
import { responseHeaders } from "./responseHeaders.ts";
import { retry } from "./retry.ts";
import { rewrite } from "./rewrite.ts";
import { timeouts } from "./timeouts.ts";

const policies: InPolicyOrder<{ [Name in keyof PoliciesIr]: RoutePolicy<Name> }> = [
  responseHeaders,
  rewrite,
  requestHeaders,
  timeouts,
  retry,
];

/** The table's lines for all policies. */
export const policyCapabilities = {
  ...responseHeaders.capabilities,
  ...rewrite.capabilities,
  ...requestHeaders.capabilities,
  ...timeouts.capabilities,
  ...retry.capabilities,
} as const;

/**
 * Adds the rule's policies to the open Route. Those of forwarded requests are for a route that forwards only: parts of a
 * RouteAction would make any other route one that does.
 */
export function writePolicies(writer: BinaryWriter, place: RoutePlace): void {
  for (const entry of policies as readonly RoutePolicy<keyof PoliciesIr>[]) {
    const value = place.rule.policies[entry.policy];
    if (value !== null && (place.isForwarded || entry.of === "answers")) entry.write(writer, value, place);
  }
}
