/** A rule as the targets see it: what it looks at, what it does, and the policies around that. */
import type { ActionIr } from "./action.ts";
import type { ConditionIr } from "./condition.ts";
import type { PoliciesIr } from "./policies/index.ts";

/** One match of one rule of one route. The same object in every virtual host that it serves. */
export interface RuleIr {
  /** `<route>.<rule>.<match>`, numbers from 0; unique in the fleet; characters `[a-z0-9.-]`. */
  readonly id: string;
  /** `<route>/<rule>`: the rule's own name, or its place when it has none (or one of digits only). Shared by its matches. */
  readonly name: string;
  readonly route: string;
  /** The rule's own name, or null. */
  readonly ruleName: string | null;
  /** JSON pointer of the rule in its route, as `/rules/0`. */
  readonly pointer: string;
  /** grpc: it takes calls only (its conditions say so), and forwards them. */
  readonly protocol: "http" | "grpc";
  readonly path: PathMatchIr;
  /** All hold. Distinct; in the order of `FIELD_KINDS`, then name, test, value. */
  readonly conditions: readonly ConditionIr[];
  readonly action: ActionIr;
  readonly policies: PoliciesIr;
}

export interface PathMatchIr {
  readonly kind: "exact" | "regex" | "prefix";
  /** exact: raw path. regex: full match of the raw path. prefix: whole elements, no slash at the end except `/` itself. */
  readonly value: string;
}
