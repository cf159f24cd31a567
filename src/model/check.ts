/** Documents in, resources or problems out. */
import { type Diagnostic, diagnosticKey } from "../errors/diagnostic.ts";
import { pointer } from "../util/pointer.ts";
import { sortedByKeySteps } from "../util/sorted.ts";
import { due, finish, type Steps } from "../util/steps.ts";
import { collectionOf, kinds } from "./kinds.ts";
import { referrersOf } from "./references.ts";
import { rulesOfEach, rulesOfWhole } from "./rules/index.ts";
import { makeResource } from "./snapshot.ts";
import type { Bodies, Change, Kind, Resource, Snapshot } from "./types.ts";
import { checkConfigShape, checkShape } from "./validate.ts";

/** A resource without problems, or problems (at least one) without a resource. */
export type ResourceResult<K extends Kind> =
  | { readonly resource: Resource<K>; readonly diagnostics: readonly [] }
  | { readonly resource: null; readonly diagnostics: readonly Diagnostic[] };

/** One document of a kind. Pointers are relative to it. */
export function validateResource<K extends Kind>(kind: K, document: unknown): ResourceResult<K> {
  const diagnostics = checkShape(kind, document);
  if (diagnostics.length > 0) return { resource: null, diagnostics };
  return { resource: makeResource(kind, document as Bodies[K]), diagnostics: [] };
}

export interface ConfigResult {
  /** In document order. Empty when there are problems. */
  readonly resources: readonly Resource[];
  /** Pointers into the document, as `/routes/3/rules/0`. */
  readonly diagnostics: readonly Diagnostic[];
}

/** A whole configuration document: its shape, and that no name stands twice in a kind. */
export function validateConfig(document: unknown): ConfigResult {
  return finish(validateConfigSteps(document));
}

/** `validateConfig` in steps. */
export function* validateConfigSteps(document: unknown): Steps<ConfigResult> {
  const diagnostics = yield* checkConfigShape(document ?? {});
  if (diagnostics.length > 0) return { resources: [], diagnostics };
  const resources: Resource[] = [];
  const config = (document ?? {}) as Record<string, { name: string }[] | undefined>;
  for (const kind of kinds) {
    const seen = new Set<string>();
    for (const [index, body] of (config[collectionOf(kind)] ?? []).entries()) {
      if (seen.has(body.name)) {
        const message = `there is another ${kind} named ${JSON.stringify(body.name)}`;
        diagnostics.push({
          code: "MODEL-DUPLICATE-NAME",
          severity: "error",
          message,
          pointer: pointer(collectionOf(kind), index, "name"),
        });
      }
      seen.add(body.name);
      resources.push(makeResource(kind, body as Bodies[typeof kind]));
      yield;
    }
  }
  return diagnostics.length > 0 ? { resources: [], diagnostics } : { resources, diagnostics };
}

/**
 * Cross-resource rules on `snapshot`, the model after `changes`. Looks only at what was written and at what names something
 * written or deleted, so the verdict on the rest must stand already. Sorted.
 */
export function checkSnapshot(snapshot: Snapshot, changes: readonly Change[]): Diagnostic[] {
  return finish(checkSnapshotSteps(snapshot, changes));
}

/** Resources that a rule looks at in one step. */
const RESOURCES_PER_STEP = 32;

/** `checkSnapshot` in steps. */
export function* checkSnapshotSteps(snapshot: Snapshot, changes: readonly Change[]): Steps<Diagnostic[]> {
  const touched = yield* touchedBy(snapshot, changes);
  const found: Diagnostic[] = [];
  for (let at = 0; at < touched.length; at += RESOURCES_PER_STEP) {
    const some = touched.slice(at, at + RESOURCES_PER_STEP);
    for (const rule of rulesOfEach) {
      found.push(...rule(snapshot, some));
      yield;
    }
  }
  for (const rule of rulesOfWhole) {
    for (const diagnostic of rule(snapshot, touched)) {
      if (diagnostic === undefined) yield;
      else found.push(diagnostic);
    }
  }
  return yield* sortedByKeySteps(found, diagnosticKey);
}

/** What was written, and what names something written or deleted. */
function* touchedBy(snapshot: Snapshot, changes: readonly Change[]): Steps<Resource[]> {
  const touched = new Map<string, Resource>();
  const add = (resource: Resource): unknown => touched.set(`${resource.kind}/${resource.name}`, resource);
  const namesOf = new Map<Kind, Set<string>>();
  for (const [index, { kind, name, resource }] of changes.entries()) {
    if (resource !== null) add(resource);
    const names = namesOf.get(kind) ?? new Set();
    namesOf.set(kind, names.add(name));
    if (due(index)) yield;
  }
  for (const [kind, names] of namesOf) for (const referrer of yield* referrersOf(snapshot, kind, names)) add(referrer);
  return [...touched.values()];
}
