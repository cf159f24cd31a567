/** Who stands in the way of a deletion: the resources that still name what a write deletes, in words. */
import { type Steps, shouldYield } from "../util/steps.ts";
import { collectionOf } from "./kinds.ts";
import { referencesOf, referrersOf } from "./references.ts";
import type { Change, Kind, Resource, Snapshot } from "./types.ts";

/** Of many deletions the first ones are told. */
const MAX_DELETIONS = 5;
/** Users of one resource that are named, and places in each. */
const MAX_USERS = 5;
const MAX_PLACES = 3;

/**
 * For each deleted resource that the model after the changes still names: `cluster "blue" is in use by routes/shop (rule "cart",
 * rule 1) and 3 more`. Nothing for the others.
 */
export function* inUse(snapshot: Snapshot, changes: readonly Change[]): Steps<readonly string[]> {
  const texts: string[] = [];
  for (const [kind, names] of yield* deletedNames(changes)) {
    for (const [name, users] of yield* usersOf(snapshot, kind, names)) {
      if (texts.length === MAX_DELETIONS) return [...texts, "and others"];
      const named = [...users].slice(0, MAX_USERS).map((user) => userText(user, { kind, name }));
      texts.push(`${kind} ${JSON.stringify(name)} is in use by ${listed(named, users.size)}`);
    }
  }
  return texts;
}

function* deletedNames(changes: readonly Change[]): Steps<ReadonlyMap<Kind, ReadonlySet<string>>> {
  const deleted = new Map<Kind, Set<string>>();
  for (const [index, { kind, name, resource }] of changes.entries()) {
    if (shouldYield(index)) yield;
    if (resource === null) deleted.set(kind, (deleted.get(kind) ?? new Set()).add(name));
  }
  return deleted;
}

/** By name: one look at the model, however many names there are. */
function* usersOf(
  snapshot: Snapshot,
  kind: Kind,
  names: ReadonlySet<string>,
): Steps<ReadonlyMap<string, ReadonlySet<Resource>>> {
  const users = new Map<string, Set<Resource>>();
  for (const [index, user] of (yield* referrersOf(snapshot, kind, names)).entries()) {
    if (shouldYield(index)) yield;
    for (const reference of referencesOf(user)) {
      if (reference.kind !== kind || !names.has(reference.name)) continue;
      users.set(reference.name, (users.get(reference.name) ?? new Set()).add(user));
    }
  }
  return users;
}

function userText(user: Resource, used: { readonly kind: Kind; readonly name: string }): string {
  const name = `${collectionOf(user.kind)}/${user.name}`;
  if (user.kind !== "route") return name;
  const places = referencesOf(user).filter((reference) => reference.kind === used.kind && reference.name === used.name);
  const rules = [...new Set(places.map(({ pointer }) => /^\/rules\/(\d+)/.exec(pointer)?.[1]))];
  const texts = rules.flatMap((index) => (index === undefined ? [] : [ruleText(user as Resource<"route">, index)]));
  return texts.length === 0 ? name : `${name} (${listed(texts.slice(0, MAX_PLACES), texts.length)})`;
}

/** A rule by its own name, else by its place. */
function ruleText({ body }: Resource<"route">, index: string): string {
  const name = body.rules[Number(index)]?.name;
  return name === undefined ? `rule ${index}` : `rule ${JSON.stringify(name)}`;
}

function listed(texts: readonly string[], count: number): string {
  return count > texts.length ? `${texts.join(", ")} and ${count - texts.length} more` : texts.join(", ");
}
