import { maxOfKind } from "../../gen/kinds.ts";
import { collectionOf, kinds } from "../kinds.ts";
import { problem, type WholeRule } from "./rule.ts";

/** A model holds at most as many resources of a kind as a document may list. */
export const limits: WholeRule = function* (snapshot, touched) {
  for (const kind of kinds) {
    const max = maxOfKind[kind];
    const one = touched.findLast((resource) => resource.kind === kind);
    if (one === undefined || snapshot[kind].size <= max) continue;
    yield problem("MODEL-LIMIT", one, { pointer: "", message: `a model holds at most ${max} ${collectionOf(kind)}` });
  }
};
