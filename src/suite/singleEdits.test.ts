/**
 * No stale output: after each change of a single field, at any place that `schemas/` knows, a pipeline that remembers the model
 * before gives what a new one gives. A new field is edited here with no further code.
 */
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { expect, test } from "vitest";
import { leafPaths } from "../gen/leafPaths.ts";
import type { LeafPath, ProxyKind } from "../ir/index.ts";
import { applyChanges, diffSnapshots, emptySnapshot, type Snapshot } from "../model/index.ts";
import { createPipeline } from "../pipeline/index.ts";
import { PROXY_KINDS } from "../targets/registry.ts";
import { deviationsOf } from "../targets/target.ts";
import type { Place } from "../tooling/leaves.ts";
import { EDIT_KINDS, type EditKind, isPossible, makeEdit, PLACES, type Spot, spotsOf } from "./arbitrary/edits.ts";
import { arbitraryOf } from "./arbitrary/fromSchema.ts";
import { type Document, plain } from "./arbitrary/names.ts";
import { listeningModel, modelOf } from "./arbitraryModel.ts";
import { giveWay } from "./giveWay.ts";
import { targets } from "./modelFiles.ts";
import { copied, editedSnapshot, freshSnapshot, type Outcome, outcomesOf, type Valid } from "./outcome.ts";

const SEED = Number(process.env.TRIMTAB_SEED ?? Date.now() % 2 ** 31);
/** An edit is made at most so often; it is left earlier when it has changed some output: each run has other models. */
const MOST_MADE = Number(process.env.TRIMTAB_EDITS ?? 3);
/** After so many models an edit counts as impossible, and after all of them a place: then only places of which none was made are tried. */
const MIN_MODELS = 12;
const MAX_MODELS = 300;
/** Values that are drawn until one makes a valid model. */
const TRIES = 8;
const TIMEOUT_MS = 15 * 60 * 1000;

giveWay();

/** Models of all proxies, and of one, which may have what another refuses. */
const MODELS = [listeningModel, listeningModel, ...PROXY_KINDS.map(modelOf)];

/** Numbers that the seed decides. */
let drawnNumbers = 0;
function draw<T>(arbitrary: fc.Arbitrary<T>): T {
  drawnNumbers += 1;
  return fc.sample(fc.noBias(arbitrary), { seed: SEED + drawnNumbers, numRuns: 1 })[0] as T;
}

/** The model after one edit of this kind at this place; null when chance finds no valid one. */
function editedModel(before: Valid, place: Place, kind: EditKind): Snapshot | null {
  const { document } = before;
  const count = spotsOf(document, place).filter((spot) => isPossible(kind, spot)).length;
  if (count === 0) return null;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const next = plain(document);
    const spot = spotsOf(next, place).filter((each) => isPossible(kind, each))[draw(fc.nat(count - 1))] as Spot;
    makeEdit(next, { kind, spot, value: draw(arbitraryOf(place)) });
    const snapshot = editedSnapshot(before, next);
    if (snapshot !== null) return snapshot;
  }
  return null;
}

/** A kind of edit at a place. */
interface Wanted {
  readonly place: Place;
  readonly kind: EditKind;
  /** How often it made a valid model. */
  made: number;
  /** Proxies whose output it changed: only there could something stale show. */
  readonly seenBy: Set<string>;
}

function isDone({ made, seenBy }: Wanted): boolean {
  return made >= MOST_MADE || seenBy.size > 0;
}

/** Whether no valid model has it: no proxy takes any of its fields. */
function isTakenByNobody(path: string): boolean {
  const below = leafPaths.filter((leaf) => leaf === path || leaf.startsWith(`${path}.`) || leaf.startsWith(`${path}[`));
  return below.length > 0 && below.every((leaf) => PROXY_KINDS.every((proxy) => isRefused(proxy, leaf)));
}

function isRefused(proxy: ProxyKind, leaf: LeafPath): boolean {
  return deviationsOf(targets.get(proxy).capabilities[leaf]).some((one) => "refused" in one && one.when === undefined);
}

function editedPlaces(wanted: readonly Wanted[]): ReadonlySet<Place> {
  return new Set(wanted.filter(({ made }) => made > 0).map(({ place }) => place));
}

/** Places of which no edit was valid. */
function neverEdited(wanted: readonly Wanted[]): string[] {
  const edited = editedPlaces(wanted);
  return PLACES.filter((place) => !edited.has(place) && !isTakenByNobody(place.path)).map(({ path }) => path);
}

/** A pipeline that is led from model to model. */
function createTraveller(): (next: Snapshot) => Outcomes {
  const pipeline = createPipeline(targets);
  let current = emptySnapshot;
  return (next) => {
    current = applyChanges(current, diffSnapshots(current, next));
    return outcomesOf(pipeline, current);
  };
}

function changedProxies(before: Outcomes, after: Outcomes): string[] {
  const isChanged = ([name, { text }]: [string, Outcome]): boolean => before.get(name)?.text !== text;
  return [...after].filter(isChanged).map(([, { proxy }]) => proxy);
}

type Outcomes = ReadonlyMap<string, Outcome>;

/** Vitest's comparison tells the difference well, and is slow: it is for what differs. */
function expectSame(name: string, outcome: Outcomes, expected: Outcomes): void {
  if (!isDeepStrictEqual(outcome, expected)) expect({ name, outcome }).toEqual({ name, outcome: expected });
}

test(`after any edit of one field (seed ${SEED}; TRIMTAB_SEED repeats it)`, { timeout: TIMEOUT_MS }, () => {
  console.log(`singleEdits.test.ts: seed ${SEED}`);
  const wanted = PLACES.flatMap((place) =>
    EDIT_KINDS.map((kind): Wanted => ({ place, kind, made: 0, seenBy: new Set() })),
  );
  const moveTo = createTraveller();
  for (let index = 0; index < MAX_MODELS; index++) {
    const document = draw(MODELS[index % MODELS.length] as fc.Arbitrary<Document>);
    const base = freshSnapshot(document);
    if (base === null) throw new Error("random models are valid");
    const before = { document, snapshot: base };
    const outcome = outcomesOf(createPipeline(targets), base);
    expectSame("the model", moveTo(base), outcome);
    const enough = index < MIN_MODELS ? new Set() : editedPlaces(wanted);
    for (const one of wanted) {
      const edited = isDone(one) || enough.has(one.place) ? null : editedModel(before, one.place, one.kind);
      if (edited === null) continue;
      const name = `${one.kind} ${one.place.path}`;
      const fresh = outcomesOf(createPipeline(targets), copied(edited));
      expectSame(name, moveTo(edited), fresh);
      expectSame(`${name}, undone`, moveTo(base), outcome);
      one.made += 1;
      for (const proxy of changedProxies(outcome, fresh)) one.seenBy.add(proxy);
    }
    if (index >= MIN_MODELS && neverEdited(wanted).length === 0) break;
  }
  // Of what was never edited nothing is shown: its values need a hint.
  expect(neverEdited(wanted)).toEqual([]);
});
