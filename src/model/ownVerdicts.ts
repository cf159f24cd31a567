/** What is wrong with a resource by itself: found once, and kept as long as the resource. */
import type { Diagnostic } from "../errors/diagnostic.ts";
import type { Steps } from "../util/steps.ts";
import { rulesOfOne } from "./rules/index.ts";
import { namesOf } from "./rules/rule.ts";
import { emptySnapshot } from "./snapshot.ts";
import type { Resource } from "./types.ts";

const verdicts = new WeakMap<Resource, readonly Diagnostic[]>();
/** One list for nearly all. */
const NOTHING: readonly Diagnostic[] = [];
const NO_NAMES = namesOf(() => false);

/** What the rules of one resource say of it. */
export function* ownVerdict(resource: Resource): Steps<readonly Diagnostic[]> {
  const known = verdicts.get(resource);
  if (known !== undefined) return known;
  const found: Diagnostic[] = [];
  for (const rule of rulesOfOne) {
    for (const diagnostic of rule(emptySnapshot, [resource], NO_NAMES)) {
      if (diagnostic === undefined) yield;
      else found.push(diagnostic);
    }
  }
  yield;
  const verdict = found.length === 0 ? NOTHING : found;
  verdicts.set(resource, verdict);
  return verdict;
}
