/** What each file beside this one gives. */
import type { LeafPath, PoliciesIr, RuleIr } from "../../../ir/index.ts";
import type { Support } from "../../target.ts";

/** A policy, from the IR to lines in the backends that a rule's requests go to. */
export interface Policy<K extends keyof PoliciesIr> {
  readonly policy: K;
  /** What it does for a rule, in order. Often nothing: it may ask for what holds anyway. */
  changes(policy: NonNullable<PoliciesIr[K]>, owner: RuleIr): readonly Change[];
  /** What HAProxy does with the leaves that ask for it. */
  readonly capabilities: Readonly<Partial<Record<LeafPath, Support>>>;
}

/**
 * One line. A template renders it from `view` with `rule` (whose requests it is for; null: all of the backend) and `map` (null:
 * the view's own value, else that which the map has for the request's rule).
 */
export interface Change {
  readonly template: string;
  /** The map's name if there are many of it, as `response.x-rule`: changes of one name differ in rule and value only. */
  readonly map: string;
  /** All changes of one thing, as `response x-rule`: counted together, and written in one form so that they keep their order. */
  readonly group: string;
  /** The map's value. */
  readonly value: string;
  readonly view: object;
  /** A word about it for the rule's comment; null: the line says it all. */
  readonly comment: string | null;
}
