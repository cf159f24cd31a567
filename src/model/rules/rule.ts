/** What a cross-resource rule is. */
import type { Diagnostic } from "../../errors/diagnostic.ts";
import { didYouMean } from "../../util/didYouMean.ts";
import type { Bodies, Kind, Resource, Snapshot } from "../types.ts";

/**
 * A rule sees the whole model and the resources whose verdict may have changed: those that were written and those that name
 * a written or deleted one. It reports only on these.
 */
export type Rule = (snapshot: Snapshot, touched: readonly Resource[], names: Names) => Iterable<Diagnostic>;

/** The same for a resource by itself. `undefined`: here it may rest. */
export type OwnRule = (
  snapshot: Snapshot,
  touched: readonly Resource[],
  names: Names,
) => Iterable<Diagnostic | undefined>;

/** Whether something has this name although it is not in the model, as it cannot be judged: it is misshapen. */
export type Known = (kind: Kind, name: string) => boolean;

/** Names that are not in the model. */
export interface Names {
  readonly known: Known;
  /** Whether the write at hand takes it out of the model. */
  readonly deleted: Known;
  /** The end of a message: which name was probably meant. Empty after MAX_HINTS of one look. */
  readonly hint: (name: string, candidates: Iterable<string>) => string;
}

/** Each costs up to a millisecond, and a model may have very many names that name nothing. */
const MAX_HINTS = 20;

/** The names of one look at a model. */
export function namesOf(known: Known, deleted: Known = () => false): Names {
  let left = MAX_HINTS;
  return { known, deleted, hint: (name, candidates) => (left-- > 0 ? didYouMean(name, candidates) : "") };
}

/** A rule that has to see everything that was touched. `undefined`: here it may rest (see util/steps.ts). */
export type WholeRule = (snapshot: Snapshot, touched: readonly Resource[]) => Iterable<Diagnostic | undefined>;

/** Names an error. */
export function problem(
  code: string,
  at: Resource,
  details: Pick<Diagnostic, "pointer" | "message" | "related">,
): Diagnostic {
  return { code, severity: "error", resource: { kind: at.kind, name: at.name }, ...details };
}

/** Names a warning. */
export function warning(
  code: string,
  at: Resource,
  details: Pick<Diagnostic, "pointer" | "message" | "related">,
): Diagnostic {
  return { ...problem(code, at, details), severity: "warning" };
}

/** The touched resources of one kind. */
export function touchedOf<K extends Kind>(touched: readonly Resource[], kind: K): Resource<K>[] {
  return touched.filter((resource) => resource.kind === kind) as Resource[] as Resource<K>[];
}

/** A rule of a route as the user wrote it. */
export type RuleBody = Bodies["route"]["rules"][number];
/** One of a rule's matches as the user wrote it. */
export type MatchBody = NonNullable<RuleBody["matches"]>[number];

/** Every rule of a route with its pointer. */
export function* rulesOf(route: Resource<"route">): Iterable<{ rule: RuleBody; at: string; index: number }> {
  for (const [index, rule] of route.body.rules.entries()) yield { rule, at: `/rules/${index}`, index };
}

/** Every match of a rule with its pointer; a rule without matches has none here. */
export function* matchesOf(rule: RuleBody, at: string): Iterable<{ match: MatchBody; at: string; index: number }> {
  for (const [index, match] of (rule.matches ?? []).entries()) yield { match, at: `${at}/matches/${index}`, index };
}
