import type { Diagnostic } from "../../errors/diagnostic.ts";
import { didYouMean } from "../../util/didYouMean.ts";
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

/** Dangling names of one document for which a likely one is looked up: a document may have thousands. */
const MAX_SUGGESTIONS = 5;

/** Those of the references that name nothing, as problems of the document that they stand in. */
export function* dangling(found: Iterable<Reference>, snapshot: Snapshot, names: Names): Iterable<Diagnostic> {
  let suggestions = MAX_SUGGESTIONS;
  for (const { kind, name, pointer } of found) {
    if (snapshot[kind].has(name) || names.known(kind, name)) continue;
    const hint = suggestions-- > 0 ? didYouMean(name, snapshot[kind].keys()) : "";
    const message = names.deleted(kind, name)
      ? `this write deletes ${kind} ${JSON.stringify(name)}, which is in use here`
      : `there is no ${kind} named ${JSON.stringify(name)}${hint}`;
    yield { code: REFERENCE_CODE, severity: "error", message, pointer };
  }
}
