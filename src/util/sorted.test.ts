import fc from "fast-check";
import { expect, test } from "vitest";
import { changedKeys, patchSorted } from "./sorted.ts";

const numbers = fc.uniqueArray(fc.integer({ min: 0, max: 50 }));
const compare = (a: number, b: number): number => a - b;

test("patchSorted removes and adds as a set would", () => {
  fc.assert(
    fc.property(numbers, numbers, numbers, (start, remove, add) => {
      const sorted = [...start].sort(compare);
      const left = sorted.filter((item) => !remove.includes(item));
      const fresh = add.filter((item) => !left.includes(item));
      expect(patchSorted(sorted, { remove, add: fresh, compare })).toEqual([...left, ...fresh].sort(compare));
    }),
  );
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
