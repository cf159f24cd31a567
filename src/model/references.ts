/** Which resources a resource names. */
import { MAX_LISTED, references, referrers } from "../gen/references.ts";
import { pointer } from "../util/pointer.ts";
import { type Steps, shouldYield } from "../util/steps.ts";
import type { Change, Kind, Resource, Snapshot } from "./types.ts";

export interface Reference {
  readonly kind: Kind;
  readonly name: string;
  /** Where the name stands in the referring document. */
  readonly pointer: string;
}

/**
 * The references of a document of any shape: where a name should stand and is no text, there is none. What a list has beyond
 * its maximum is not looked at.
 */
export function* referencesIn(kind: Kind, document: unknown): Iterable<Reference> {
  for (const [named, ...path] of references[kind]) {
    for (const { name, at } of textsAt(document, path, "")) yield { kind: named, name, pointer: at };
  }
}

function* textsAt(value: unknown, path: readonly string[], at: string): Iterable<{ name: string; at: string }> {
  const [step, ...below] = path;
  if (step === undefined) {
    if (typeof value === "string") yield { name: value, at };
  } else if (step === "*") {
    const list = Array.isArray(value) ? value : [];
    for (let index = 0; index < list.length && index < MAX_LISTED; index++)
      yield* textsAt(list[index], below, at + pointer(index));
  } else if (typeof value === "object" && value !== null && Object.hasOwn(value, step)) {
    yield* textsAt((value as Readonly<Record<string, unknown>>)[step], below, at + pointer(step));
  }
}

const cache = new WeakMap<Resource, readonly Reference[]>();

/** The references of a resource, in the order in which they are written. */
export function referencesOf(resource: Resource): readonly Reference[] {
  let found = cache.get(resource);
  if (found === undefined) {
    found = [...referencesIn(resource.kind, resource.body)];
    cache.set(resource, found);
  }
  return found;
}

/** Every resource that names one of `names` of `kind`. Looks only at kinds that can. */
export function* referrersOf(snapshot: Snapshot, kind: Kind, names: ReadonlySet<string>): Steps<Resource[]> {
  const found: Resource[] = [];
  for (const candidateKind of referrers[kind]) {
    let index = 0;
    for (const resource of snapshot[candidateKind].values() as Iterable<Resource>) {
      if (referencesOf(resource).some((reference) => reference.kind === kind && names.has(reference.name)))
        found.push(resource);
      if (shouldYield(index++)) yield;
    }
  }
  return found;
}

/** What was changed, and all that names it, also by way of others: a fleet's listeners and their routes. As `route/api`. */
export function* reachOf(snapshot: Snapshot, changes: readonly Change[]): Steps<ReadonlySet<string>> {
  const reached = new Set<string>();
  let front: readonly { readonly kind: Kind; readonly name: string }[] = changes;
  while (front.length > 0) {
    const namesOf = new Map<Kind, Set<string>>();
    for (const [index, { kind, name }] of front.entries()) {
      reached.add(`${kind}/${name}`);
      namesOf.set(kind, (namesOf.get(kind) ?? new Set()).add(name));
      if (shouldYield(index)) yield;
    }
    const referring: Resource[] = [];
    for (const [kind, names] of namesOf)
      for (const referrer of yield* referrersOf(snapshot, kind, names)) referring.push(referrer);
    front = referring.filter(({ kind, name }) => !reached.has(`${kind}/${name}`));
  }
  return reached;
}
