/**
 * The policies of a rule, and the order in which they act: the same on every proxy (docs/decisions/0015). Equal policies are
 * one object, so that what is made of them can be shared by identity.
 */
import type { HeaderChangesIr } from "./headers.ts";
import type { RetryIr } from "./retry.ts";
import type { RewriteIr } from "./rewrite.ts";
import type { TimeoutsIr } from "./timeouts.ts";

/** Null: the rule does not ask for it. */
export interface PoliciesIr {
  /** Of every answer, also the proxy's own. */
  readonly responseHeaders: HeaderChangesIr | null;
  /** Of a forwarded request. */
  readonly rewrite: RewriteIr | null;
  /** Of a forwarded request. */
  readonly requestHeaders: HeaderChangesIr | null;
  /** Of a forwarded request; never null there. */
  readonly timeouts: TimeoutsIr | null;
  /** Of a forwarded request. */
  readonly retry: RetryIr | null;
}

/** The request meets them downwards, the answer upwards: responseHeaders last. */
export const POLICY_ORDER = [
  "responseHeaders",
  "rewrite",
  "requestHeaders",
  "timeouts",
  "retry",
] as const satisfies readonly (keyof PoliciesIr)[];

type Order = typeof POLICY_ORDER;

/** Does not compile when a policy is missing in the order. */
export type PoliciesAreOrdered = Exclude<keyof PoliciesIr, Order[number]> extends never ? true : never;
const ordered: PoliciesAreOrdered = true;
void ordered;

/**
 * The list that a stage (the compiler, a target) holds: one entry per policy, in `POLICY_ORDER`. `Stage` maps a policy's name to
 * its entry, which should carry the name, so that a missing or misplaced entry does not compile.
 */
export type InPolicyOrder<Stage extends Readonly<Record<keyof PoliciesIr, unknown>>> = Entries<Order, Stage>;

type Entries<Names extends readonly (keyof PoliciesIr)[], Stage extends Readonly<Record<keyof PoliciesIr, unknown>>> = {
  readonly [Place in keyof Names]: Stage[Names[Place]];
};
