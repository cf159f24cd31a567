/**
 * No stale output: after each change of a single field, at any place that `schemas/` knows, a pipeline that remembers the model
 * before gives what a new one gives. A new field is edited here with no further code.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { applyChanges, diffSnapshots, emptySnapshot, type Snapshot } from "../model/index.ts";
import { createPipeline } from "../pipeline/index.ts";
import { EDIT_KINDS, type EditKind, isPossible, makeEdit, PLACES, type Spot, spotsOf } from "./arbitrary/edits.ts";
import { arbitraryOf } from "./arbitrary/fromSchema.ts";
import { type Document, plain } from "./arbitrary/names.ts";
import { listeningModel, modelOf } from "./arbitraryModel.ts";
import { targets } from "./modelFiles.ts";
import { freshSnapshot, outcomesOf } from "./outcome.ts";

const SEED = Number(process.env.TRIMTAB_SEED ?? Date.now() % 2 ** 31);
/** How often each edit is made. */
const ROUNDS = Number(process.env.TRIMTAB_ROUNDS ?? 1);
/** After so many models an edit counts as impossible, and after all of them a place. */
const MIN_MODELS = 12;
const MAX_MODELS = 300;
/** Values that are drawn until one makes a valid model. */
const TRIES = 12;
const TIMEOUT_MS = 5 * 60 * 1000;

/** Models of all proxies, and of one, which may have what another refuses. */
const MODELS = [listeningModel, ...["haproxy", "envoy", "nginx"].map(modelOf)];

/** Numbers that the seed decides. */
let drawnNumbers = 0;
function draw<T>(arbitrary: fc.Arbitrary<T>): T {
  drawnNumbers += 1;
  return fc.sample(fc.noBias(arbitrary), { seed: SEED + drawnNumbers, numRuns: 1 })[0] as T;
}

/** The model after one edit of this kind at this place; null when chance finds no valid one. */
function editedModel(document: Document, place: Spot["place"], kind: EditKind): Snapshot | null {
  const count = spotsOf(document, place).filter((spot) => isPossible(kind, spot)).length;
  if (count === 0) return null;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const next = plain(document);
    const spot = spotsOf(next, place).filter((each) => isPossible(kind, each))[draw(fc.nat(count - 1))] as Spot;
    makeEdit(next, { kind, spot, value: draw(arbitraryOf(place)) });
    const snapshot = JSON.stringify(next) === JSON.stringify(document) ? null : freshSnapshot(next);
    if (snapshot !== null) return snapshot;
  }
  return null;
}

/** Places of which no edit was valid. */
function neverEdited(edits: ReadonlyMap<string, { readonly made: number }>): string[] {
  const isEdited = (path: string): boolean => EDIT_KINDS.some((kind) => edits.get(`${kind} ${path}`)?.made !== 0);
  return PLACES.map(({ path }) => path).filter((path) => !isEdited(path));
}

test(`after any edit of one field (seed ${SEED}; TRIMTAB_SEED repeats it)`, { timeout: TIMEOUT_MS }, () => {
  console.log(`singleEdits.test.ts: seed ${SEED}, each edit ${ROUNDS} times`);
  const wanted = new Map(
    PLACES.flatMap((place) => EDIT_KINDS.map((kind) => [`${kind} ${place.path}`, { place, kind, made: 0 }])),
  );
  const remembering = createPipeline(targets);
  let current = emptySnapshot;
  const moveTo = (next: Snapshot) => {
    current = applyChanges(current, diffSnapshots(current, next));
    return outcomesOf(remembering, current);
  };
  for (let index = 0; index < MAX_MODELS; index++) {
    const document = draw(MODELS[index % MODELS.length] as fc.Arbitrary<Document>);
    const base = freshSnapshot(document) as Snapshot;
    const outcome = outcomesOf(createPipeline(targets), base);
    expect({ outcome: moveTo(base) }).toEqual({ outcome });
    for (const [name, one] of wanted) {
      const edited = one.made >= ROUNDS ? null : editedModel(document, one.place, one.kind);
      if (edited === null) continue;
      expect({ name, outcome: moveTo(edited) }).toEqual({ name, outcome: outcomesOf(createPipeline(targets), edited) });
      expect({ name: `${name}, undone`, outcome: moveTo(base) }).toEqual({ name: `${name}, undone`, outcome });
      one.made += 1;
    }
    if (index >= MIN_MODELS * ROUNDS && neverEdited(wanted).length === 0) break;
  }
  if (process.env.DBG)
    console.log(
      [...wanted]
        .filter(([, v]) => v.made === 0)
        .map(([k]) => k)
        .join("\n"),
    );
  // Of what was never edited nothing is shown: its values need a hint.
  expect(neverEdited(wanted)).toEqual([]);
});
