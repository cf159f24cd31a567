import { expect, it } from "vitest";
import { isCoarse, sharesOf, sharesView } from "./splits.ts";
import { forward } from "./testIr.ts";

const splitOf = (weights: readonly number[]) => weights.map((weight, index) => ({ cluster: `c${index}`, weight }));

it.each<readonly [readonly number[], readonly number[] | null]>([
  [
    [1, 1, 1],
    [3333, 3334, 3333],
  ],
  [
    [90, 10],
    [9000, 1000],
  ],
  [
    [1, 1000, 1000],
    [5, 4997, 4998],
  ],
  [[1, ...Array<number>(31).fill(1000)], null],
])("%j", (weights, expected) => {
  const shares = sharesOf(splitOf(weights));
  if (expected !== null) expect(shares).toEqual(expected);
  expect(Math.min(...shares)).toBeGreaterThan(0);
  expect(shares.reduce((sum, share) => sum + share, 0)).toBe(10_000);
});

it("gives the last the rest", () => {
  const view = sharesView(forward({ a: 1, b: 3 }).split, ["a", "@r/b"]);
  expect(view.map(({ share, target }) => `${share.text} ${target.text}`)).toEqual(["25.00% a", "* @r/b"]);
});

it.each([
  [[1, 1], false],
  [[1, 9999], false],
  [[1, 30_000], true],
])("%j is coarse: %s", (weights, expected) => expect(isCoarse(splitOf(weights))).toBe(expected));
