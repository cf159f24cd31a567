import type { Diagnostic } from "../../errors/diagnostic.ts";
import { type Reference, referencesOf } from "../references.ts";
import type { Snapshot } from "../types.ts";
import { type Known, problem, type Rule } from "./rule.ts";

/** Every name that a resource gives must exist. */
export const references: Rule = function* (snapshot, touched, known) {
  for (const resource of touched)
    for (const { pointer, message } of dangling(referencesOf(resource), snapshot, known))
      yield problem(CODE, resource, { pointer, message });
};

const CODE = "MODEL-REFERENCE";

/** Those of the references that name nothing, as problems of the document that they stand in. */
export function* dangling(found: Iterable<Reference>, snapshot: Snapshot, known: Known): Iterable<Diagnostic> {
  for (const { kind, name, pointer } of found) {
    if (snapshot[kind].has(name) || known(kind, name)) continue;
    const message = `there is no ${kind} named ${JSON.stringify(name)}`;
    yield { code: CODE, severity: "error", message, pointer };
  }
}
