import fc from "fast-check";
import { expect, test } from "vitest";
import { changedKeys, patchSortedSteps, sortedByKeySteps, sortedSteps } from "./sorted.ts";
import { finish } from "./steps.ts";

const numbers = fc.uniqueArray(fc.integer({ min: 0, max: 50 }));
const compare = (a: number, b: number): number => a - b;

test("patchSortedSteps removes and adds as a set would", () => {
  fc.assert(
    fc.property(numbers, numbers, numbers, (start, remove, add) => {
      const sorted = [...start].sort(compare);
      const left = sorted.filter((item) => !remove.includes(item));
      const fresh = add.filter((item) => !left.includes(item));
      expect(finish(patchSortedSteps(sorted, { remove, add: fresh, compare }))).toEqual(
        [...left, ...fresh].sort(compare),
      );
    }),
  );
});

test("sortedSteps sorts as toSorted does, equal items in their order, and rests on the way", () => {
  // More than two of its runs, and an odd number of them.
  const items = Array.from({ length: 5000 }, (_, index) => ({ key: (index * 7919) % 331, index }));
  const byKey = (a: { key: number }, b: { key: number }): number => a.key - b.key;
  let rests = 0;
  const steps = sortedSteps(items, byKey);
  let step = steps.next();
  for (; !step.done; step = steps.next()) rests++;
  expect(step.value).toEqual(items.toSorted(byKey));
  expect(rests).toBeGreaterThan(5);
  expect(items[1]).toEqual({ key: 7919 % 331, index: 1 });
  const text = ({ key }: { key: number }): string => String(key).padStart(3, "0");
  expect(finish(sortedByKeySteps(items, text))).toEqual(items.toSorted(byKey));
  expect(finish(sortedSteps([], byKey))).toEqual([]);
});

test("changedKeys finds every difference, whatever the order", () => {
  const map = fc.array(fc.tuple(fc.constantFrom(..."abcdefgh"), fc.integer({ min: 0, max: 2 })));
  fc.assert(
    fc.property(map, map, (left, right) => {
      const [before, after] = [new Map(left), new Map(right)];
      const keys = [...new Set([...before.keys(), ...after.keys()])];
      const expected = keys.filter((key) => before.get(key) !== after.get(key) || before.has(key) !== after.has(key));
      expect(changedKeys(before, after).sort()).toEqual(expected.sort());
    }),
    { numRuns: 2000 },
  );
});
