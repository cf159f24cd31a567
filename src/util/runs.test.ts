import fc from "fast-check";
import { expect, test } from "vitest";
import { createRuns, distinctById } from "./runs.ts";

interface Item {
  readonly id: string;
}

function counting() {
  const made: (readonly Item[])[] = [];
  const runs = createRuns<Item, string, { readonly text: string; readonly context: string }>({
    length: 64,
    make: (items, context) => {
      made.push(items);
      return { text: items.map(({ id }) => `${context}${id};`).join(""), context };
    },
    holds: (result, context) => result.context === context,
  });
  const textOf = (items: readonly Item[], context = "") =>
    runs(items, context)
      .map(({ text }) => text)
      .join("");
  return { made, runs, textOf };
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

test("no items, no results", () => expect(counting().runs([], "")).toEqual([]));

test("each id once, in order of first sight", () => {
  const [a, b, c] = list(3) as [Item, Item, Item];
  expect(distinctById([[a, b], [{ ...a }, c], [b]])).toEqual([a, b, c]);
  const single = [a, b];
  expect(distinctById([single])).toBe(single);
  expect(distinctById([])).toEqual([]);
});
