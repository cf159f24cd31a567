/** Names and notes that begin shared behave as a set and a map of their own would, and leave what they share alone. */
import { expect, it } from "vitest";
import { finish } from "../util/steps.ts";
import { makeCohort } from "./cohorts.ts";
import { createNameSets } from "./nameSets.ts";
import { Names } from "./names.ts";
import { Notes } from "./notes.ts";
import { ENDPOINT, resource, viewOf } from "./testing.ts";
import { EMPTY_VIEW, nextView } from "./view.ts";

const NAMES = Array.from({ length: 20 }, (_, index) => `n${index}`);

function encoded(names: readonly string[]): Buffer {
  return Buffer.concat(names.map((name) => Buffer.concat([Buffer.from([0x1a, name.length]), Buffer.from(name)])));
}

/** Numbers below a bound, the same in each run. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 16) % below;
  };
}

it("names that many subscriptions change are each one's own", () => {
  const sets = createNameSets();
  const random = numbers(1);
  for (let round = 0; round < 200; round++) {
    const all = Array.from({ length: 5 }, () => {
      const names = new Names();
      names.become(finish(sets.holdSteps(encoded(NAMES), (name) => name)));
      return { names, model: new Set(NAMES) };
    });
    for (let step = random(120); step >= 0; step--) {
      const { names, model } = all[random(all.length)]!;
      const name = `n${random(30)}`;
      if (random(3) === 0) {
        names.add(name);
        model.add(name);
      } else {
        names.delete(name);
        model.delete(name);
      }
    }
    for (const { names, model } of all) {
      expect([...names].sort()).toEqual([...model].sort());
      expect(names.size).toBe(model.size);
      for (let index = 0; index < 30; index++) expect(names.has(`n${index}`)).toBe(model.has(`n${index}`));
      names.release();
    }
    expect(sets.size).toBe(0);
  }
});

it("a difference that is taken back is none", () => {
  const sets = createNameSets();
  const names = new Names();
  const set = finish(sets.holdSteps(encoded(NAMES), (name) => name));
  names.become(set);
  names.add("more");
  names.delete("n0");
  expect(names.same).toBeNull();
  names.delete("more");
  names.add("n0");
  expect(names.same).toBe(set);
});

it("who has left most of a set holds it no longer", () => {
  const sets = createNameSets();
  const [one, other] = [new Names(), new Names()];
  for (const names of [one, other]) names.become(finish(sets.holdSteps(encoded(NAMES), (name) => name)));
  other.release();
  for (const name of NAMES.slice(0, 10)) one.delete(name);
  expect(sets.size).toBe(1);
  one.delete(NAMES[10]!);
  expect(sets.size).toBe(0);
  expect([...one]).toEqual(NAMES.slice(11));
});

it("notes that begin as a cohort's are each one's own", () => {
  const view = nextView(EMPTY_VIEW, viewOf(...NAMES.map((name) => resource(ENDPOINT, name))).get(ENDPOINT)!);
  const cohort = makeCohort(view, null);
  const random = numbers(2);
  for (let round = 0; round < 500; round++) {
    const notes = new Notes<number | undefined>();
    const model = new Map<string, number | undefined>();
    notes.share(cohort, undefined);
    for (const name of NAMES) model.set(name, undefined);
    const done = random(20);
    notes.advance(done);
    for (const name of NAMES.slice(0, done)) model.delete(name);
    const taken = random(4) === 0 ? notes.take() : null;
    for (let step = random(40); step >= 0; step--) {
      const subject = taken ?? notes;
      const [name, note] = [`n${random(30)}`, [undefined, 1, 2][random(3)]];
      if (random(2) === 0) {
        subject.set(name, note);
        model.set(name, note);
      } else expect(subject.delete(name)).toBe(model.delete(name));
    }
    const found = taken ?? notes;
    expect([...found].sort()).toEqual([...model].sort());
    expect([...found.keys()].sort()).toEqual([...model.keys()].sort());
    expect(found.size).toBe(model.size);
    for (let index = 0; index < 30; index++) {
      expect(found.has(`n${index}`)).toBe(model.has(`n${index}`));
      expect(found.get(`n${index}`)).toBe(model.get(`n${index}`));
    }
    if (taken !== null) expect(notes.size).toBe(0);
  }
  expect(cohort.names).toEqual(NAMES);
});
