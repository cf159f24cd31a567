/** The cross-resource rules, run on a model and what was changed in it. */
import { type Diagnostic, diagnosticKey } from "../errors/diagnostic.ts";
import { sortedByKeySteps } from "../util/sorted.ts";
import { finish, type Steps, shouldYield } from "../util/steps.ts";
import { ownVerdict } from "./ownVerdicts.ts";
import { referrersOf } from "./references.ts";
import { createRulesOfWhole, rulesOfEach } from "./rules/index.ts";
import { type Known, type Names, namesOf, type WholeRule } from "./rules/rule.ts";
import type { Change, Kind, Resource, Snapshot } from "./types.ts";

/**
 * Cross-resource rules on `snapshot`, the model after `changes`. Looks only at what was written and at what names something
 * written or deleted, so the verdict on the rest must stand already. Sorted. `known`: names of what is misshapen and therefore
 * not in the snapshot.
 */
export type Checker = (snapshot: Snapshot, changes: readonly Change[], known?: Known) => Steps<Diagnostic[]>;

/** A checker that remembers the model that it looked at last: of one that differs little, little is looked at. */
export function createChecker(): Checker {
  const rulesOfWhole = createRulesOfWhole();
  return (snapshot, changes, known = nothingKnown) =>
    checkSteps(rulesOfWhole, { snapshot, changes, names: namesOf(known, deletedBy(changes)) });
}

/** One look at one model, at once. */
export function checkSnapshot(snapshot: Snapshot, changes: readonly Change[]): Diagnostic[] {
  return finish(createChecker()(snapshot, changes));
}

const nothingKnown: Known = () => false;

function deletedBy(changes: readonly Change[]): Known {
  const deleted = new Set<string>();
  for (const { kind, name, resource } of changes) if (resource === null) deleted.add(`${kind}/${name}`);
  return (kind, name) => deleted.has(`${kind}/${name}`);
}

/** Resources that a rule looks at in one step. */
const RESOURCES_PER_STEP = 32;

interface Look {
  readonly snapshot: Snapshot;
  readonly changes: readonly Change[];
  readonly names: Names;
}

function* checkSteps(rulesOfWhole: readonly WholeRule[], { snapshot, changes, names }: Look): Steps<Diagnostic[]> {
  const touched = yield* touchedResources(snapshot, changes);
  const found = yield* checkEach(snapshot, touched, names);
  for (const rule of rulesOfWhole) {
    for (const diagnostic of rule(snapshot, touched)) {
      if (diagnostic === undefined) yield;
      else found.push(diagnostic);
    }
  }
  return yield* sortedByKeySteps(found, diagnosticKey);
}

/** What judges each touched resource by itself, and by the model. */
function* checkEach(snapshot: Snapshot, touched: readonly Resource[], names: Names): Steps<Diagnostic[]> {
  const found: Diagnostic[] = [];
  for (let at = 0; at < touched.length; at += RESOURCES_PER_STEP) {
    const some = touched.slice(at, at + RESOURCES_PER_STEP);
    for (const rule of rulesOfEach) {
      for (const diagnostic of rule(snapshot, some, names)) found.push(diagnostic);
      yield;
    }
  }
  for (const [index, resource] of touched.entries()) {
    for (const diagnostic of yield* ownVerdict(resource)) found.push(diagnostic);
    if (shouldYield(index)) yield;
  }
  return found;
}

/**
 * What a checker says of changes that it does not refuse: warnings. It needs no memory, for rules that look at all that was touched
 * at once find errors only. Sorted.
 */
export function* warningsOf(snapshot: Snapshot, changes: readonly Change[]): Steps<readonly Diagnostic[]> {
  const touched = yield* touchedResources(snapshot, changes);
  return yield* sortedByKeySteps(yield* checkEach(snapshot, touched, namesOf(nothingKnown)), diagnosticKey);
}

/** What was written, and what names something written or deleted. */
function* touchedResources(snapshot: Snapshot, changes: readonly Change[]): Steps<Resource[]> {
  const touched = new Map<string, Resource>();
  const add = (resource: Resource): unknown => touched.set(`${resource.kind}/${resource.name}`, resource);
  const namesOf = new Map<Kind, Set<string>>();
  for (const [index, { kind, name, resource }] of changes.entries()) {
    if (resource !== null) add(resource);
    const names = namesOf.get(kind) ?? new Set();
    namesOf.set(kind, names.add(name));
    if (shouldYield(index)) yield;
  }
  for (const [kind, names] of namesOf) for (const referrer of yield* referrersOf(snapshot, kind, names)) add(referrer);
  return [...touched.values()];
}
