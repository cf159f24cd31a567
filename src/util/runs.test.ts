import fc from "fast-check";
import { expect, test } from "vitest";
import { createRuns } from "./runs.ts";
import { finish } from "./steps.ts";

interface Item {
  readonly id: string;
}

function counting() {
  const made: (readonly Item[])[] = [];
  const steps = createRuns<Item, string, { readonly text: string; readonly context: string }>({
    length: 64,
    idOf: ({ id }) => id,
    make: function* (items, context) {
      made.push(items);
      yield;
      return { text: items.map(({ id }) => `${context}${id};`).join(""), context };
    },
    holds: (result, context) => result.context === context,
  });
  const runs = (items: readonly Item[], context: string) => finish(steps(items, context));
  const textOf = (items: readonly Item[], context = "") =>
    runs(items, context)
      .map(({ text }) => text)
      .join("");
  return { made, steps, runs, textOf };
}

const list = (length: number): Item[] => Array.from({ length }, (_, index) => ({ id: `r${index}.0.0` }));
const MANY = 10_000;

test("whatever was asked before, the results are those of the list and the context", () => {
  const pool = list(400);
  const { textOf } = counting();
  fc.assert(
    fc.property(fc.shuffledSubarray(pool), fc.constantFrom("", "a", "b"), (items, context) => {
      expect(textOf(items, context)).toBe(items.map(({ id }) => `${context}${id};`).join(""));
    }),
  );
});

test("a change costs a small part of the list", () => {
  const { made, runs } = counting();
  const items = list(MANY);
  const first = runs(items, "");
  expect(first.length).toBeGreaterThan(MANY / 128);
  expect(Math.max(...made.map(({ length }) => length))).toBeLessThan(MANY / 10);
  made.length = 0;
  const moved = [...items.slice(0, 10), { id: "new" }, ...items.slice(10, 5000), ...items.slice(5001)];
  runs(moved, "");
  expect(made.length).toBeGreaterThan(0);
  expect(made.length).toBeLessThanOrEqual(4);
});

test("the same list again costs nothing, also after another context", () => {
  const { made, runs } = counting();
  const items = list(1000);
  const first = runs(items, "a");
  runs(items, "b");
  made.length = 0;
  const again = runs(items, "a");
  expect(made).toEqual([]);
  expect(again.every((result, index) => result === first[index])).toBe(true);
});

test("equal ids of other objects are other items", () => {
  const { made, runs } = counting();
  runs(list(200), "");
  const before = made.length;
  runs(list(200), "");
  expect(made.length).toBe(before * 2);
});

test("two lists at once: each gives its own results, wherever one rests for the other", () => {
  const pool = list(400);
  fc.assert(
    fc.property(
      fc.array(fc.shuffledSubarray(pool), { minLength: 2, maxLength: 3 }),
      fc.array(fc.nat(2), { maxLength: 40 }),
      (lists, turns) => {
        const { steps } = counting();
        const works = lists.map((items, index) => steps(items, `${index}`));
        const results = new Map<number, string>();
        const go = (index: number): void => {
          const step = works[index]?.next();
          if (step?.done && step.value !== undefined) results.set(index, step.value.map(({ text }) => text).join(""));
        };
        for (const turn of turns) go(turn);
        for (const index of works.keys()) while (!results.has(index)) go(index);
        for (const [index, items] of lists.entries())
          expect(results.get(index)).toBe(items.map(({ id }) => `${index}${id};`).join(""));
      },
    ),
  );
});

test("no items, no results", () => expect(counting().runs([], "")).toEqual([]));
