import { referencesOf } from "../references.ts";
import { problem, type Rule } from "./rule.ts";

/** Every name that a resource gives must exist. */
export const references: Rule = function* (snapshot, touched) {
  for (const resource of touched) {
    for (const { kind, name, pointer } of referencesOf(resource)) {
      if (snapshot[kind].has(name)) continue;
      yield problem("MODEL-REFERENCE", resource, {
        pointer,
        message: `there is no ${kind} named ${JSON.stringify(name)}`,
      });
    }
  }
};
