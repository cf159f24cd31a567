import type { Diagnostic } from "../../errors/diagnostic.ts";
import { type Reference, referencesOf } from "../references.ts";
import type { Snapshot } from "../types.ts";
import { type Names, problem, type Rule } from "./rule.ts";

/** Every name that a resource gives must exist. */
export const references: Rule = function* (snapshot, touched, names) {
  for (const resource of touched)
    for (const { pointer, message } of dangling(referencesOf(resource), snapshot, names))
      yield problem(REFERENCE_CODE, resource, { pointer, message });
};

/** Of a name that names nothing. */
export const REFERENCE_CODE = "MODEL-REFERENCE";

/** Those of the references that name nothing, as problems of the document that they stand in. */
export function* dangling(found: Iterable<Reference>, snapshot: Snapshot, names: Names): Iterable<Diagnostic> {
  for (const { kind, name, pointer } of found) {
    if (snapshot[kind].has(name) || names.known(kind, name)) continue;
    const message = names.deleted(kind, name)
      ? `this write deletes ${kind} ${JSON.stringify(name)}, which is in use here`
      : `there is no ${kind} named ${JSON.stringify(name)}${names.hint(name, snapshot[kind].keys())}`;
    yield { code: REFERENCE_CODE, severity: "error", message, pointer };
  }
}
