/** Resources and whole models as immutable values. */
import { deepFreeze } from "../util/freeze.ts";
import { canonicalJson, contentHash } from "../util/hash.ts";
import { compareText, sortedSteps } from "../util/sorted.ts";
import { finish, type Steps, shouldYield } from "../util/steps.ts";
import { collectionOf, kinds } from "./kinds.ts";
import type { Bodies, Change, ChangeWord, Collection, Kind, Resource, Snapshot } from "./types.ts";

/** A model with nothing in it. */
export const emptySnapshot: Snapshot = Object.freeze(
  Object.fromEntries(kinds.map((kind) => [kind, new Map()])),
) as unknown as Snapshot;

/** Freezes and hashes a valid document. */
export function makeResource<K extends Kind>(kind: K, body: Bodies[K]): Resource<K> {
  return Object.freeze({ kind, name: body.name, body: deepFreeze(body), hash: contentHash(canonicalJson(body)) });
}

/** The next model. Kinds without a change keep their map; resources without a change keep their object. */
export function applyChanges(snapshot: Snapshot, changes: readonly Change[]): Snapshot {
  const next: Record<string, Map<string, Resource>> = {};
  for (const { kind, name, resource } of changes) {
    next[kind] ??= new Map(snapshot[kind] as ReadonlyMap<string, Resource>);
    if (resource === null) next[kind].delete(name);
    else next[kind].set(name, resource);
  }
  return Object.freeze({ ...snapshot, ...next }) as Snapshot;
}

/** The change that writes a resource. */
export function changeTo(resource: Resource): Change {
  return { kind: resource.kind, name: resource.name, resource } as Change;
}

/** What a change does to a model; null: nothing. */
export function effectOf(snapshot: Snapshot, { kind, name, resource }: Change): ChangeWord | null {
  const before = (snapshot[kind] as ReadonlyMap<string, Resource>).get(name);
  if (resource === null) return before === undefined ? null : "deleted";
  if (before === undefined) return "created";
  return before.hash === resource.hash ? null : "updated";
}

/** The changes that lead from one model to another; a resource with an equal hash is no change. In kind and name order. */
export function diffSnapshots(from: Snapshot, to: Snapshot): Change[] {
  return finish(diffSnapshotsSteps(from, to));
}

/** `diffSnapshots` in steps. */
export function* diffSnapshotsSteps(from: Snapshot, to: Snapshot): Steps<Change[]> {
  const changes: Change[] = [];
  for (const kind of kinds) {
    const before = from[kind] as ReadonlyMap<string, Resource>;
    const after = to[kind] as ReadonlyMap<string, Resource>;
    if (before === after) continue;
    const found: Change[] = [];
    let index = 0;
    for (const [name, resource] of after) {
      const old = before.get(name);
      if (old !== resource && old?.hash !== resource.hash) found.push({ kind, name, resource } as Change);
      if (shouldYield(index++)) yield;
    }
    for (const name of before.keys()) if (!after.has(name)) found.push({ kind, name, resource: null } as Change);
    for (const change of yield* sortedSteps(found, (a, b) => compareText(a.name, b.name))) changes.push(change);
  }
  return changes;
}

/** The whole model as one document: kinds in document order, each ascending by name, empty ones left out. */
export function toDocument(snapshot: Snapshot): Partial<Record<Collection, unknown[]>> {
  return finish(toDocumentSteps(snapshot));
}

/** `toDocument` in steps. */
export function* toDocumentSteps(snapshot: Snapshot): Steps<Partial<Record<Collection, unknown[]>>> {
  const document: Partial<Record<Collection, unknown[]>> = {};
  for (const kind of kinds) {
    const names = yield* sortedSteps([...snapshot[kind].keys()], compareText);
    if (names.length > 0) document[collectionOf(kind)] = names.map((name) => snapshot[kind].get(name)?.body);
  }
  return document;
}
