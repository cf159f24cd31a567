import type { Diagnostic } from "../../errors/diagnostic.ts";
import { type Steps, shouldYield } from "../../util/steps.ts";
import { referencesOf } from "../references.ts";
import { warning } from "../rules/rule.ts";
import type { Kind, Listener, Resource, Snapshot } from "../types.ts";

/** Kinds that do nothing by themselves, and who has to name them. A canary names what a route has to name too. */
const USERS: Partial<Record<Kind, readonly Kind[]>> = {
  fleet: ["listener"],
  listener: ["route"],
  cluster: ["route"],
  healthCheck: ["cluster"],
  geoTable: ["route", "cluster"],
};

/** What nobody names: it costs reading, and is often a name that is misspelt elsewhere. */
export function* unused(snapshot: Snapshot): Steps<Diagnostic[]> {
  const found: Diagnostic[] = [];
  for (const [kind, users] of Object.entries(USERS) as [Kind, readonly Kind[]][]) {
    const named = new Set<string>();
    let index = 0;
    for (const user of users) {
      for (const resource of snapshot[user].values() as Iterable<Resource>) {
        for (const reference of referencesOf(resource)) if (reference.kind === kind) named.add(reference.name);
        if (shouldYield(index++)) yield;
      }
    }
    for (const resource of snapshot[kind].values() as Iterable<Resource>) {
      if (shouldYield(index++)) yield;
      if (named.has(resource.name) || isUsefulAlone(resource)) continue;
      found.push(
        warning("LINT-UNUSED", resource, { pointer: "", message: `no ${users.join(" or ")} uses this ${kind}` }),
      );
    }
  }
  return found;
}

/** A listener that redirects everybody needs no route. */
function isUsefulAlone({ kind, body }: Resource): boolean {
  return kind === "listener" && (body as Listener).http?.redirectToHttps !== undefined;
}
