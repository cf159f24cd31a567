/** What each file beside this one gives. */
import type { PoliciesIr } from "../../ir/index.ts";
import type { Route } from "../../model/index.ts";

/** A rule as the user wrote it. */
export type RuleBody = Route["rules"][number];

/** A policy of a rule, from the document to the IR. */
export interface Policy<K extends keyof PoliciesIr> {
  readonly policy: K;
  /** Null: the rule does not ask for it. Objects below the first level are frozen. */
  readonly of: (rule: RuleBody) => PoliciesIr[K];
}
