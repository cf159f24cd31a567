/**
 * What is valid, but hardly meant: warnings about the model as a whole. A write is not held up by them, so that they may look at
 * all of it; the time that they take is in proportion to the model.
 */
import type { Diagnostic } from "../../errors/diagnostic.ts";
import type { Steps } from "../../util/steps.ts";
import type { Snapshot } from "../types.ts";
import { affinityCookie } from "./affinityCookie.ts";
import { checkTimes } from "./checkTimes.ts";
import { hairpin } from "./hairpin.ts";
import { noWeight } from "./noWeight.ts";
import { redirected } from "./redirected.ts";
import { unused } from "./unused.ts";

const LINTS: readonly ((snapshot: Snapshot) => Steps<Diagnostic[]>)[] = [
  unused,
  checkTimes,
  noWeight,
  hairpin,
  affinityCookie,
  redirected,
];

/** Of a model that has passed its rules. */
export function* lint(snapshot: Snapshot): Steps<Diagnostic[]> {
  const found: Diagnostic[] = [];
  for (const look of LINTS) for (const diagnostic of yield* look(snapshot)) found.push(diagnostic);
  return found;
}
