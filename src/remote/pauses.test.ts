import { expect, test } from "vitest";
import { createPauses } from "./pauses.ts";

const pausesOf = (random: () => number) => createPauses({ intervalMs: 2_000, firstMs: 1_000, maxMs: 30_000, random });

test("failures double the pause up to the longest, for hours; a success begins anew", () => {
  const pauses = pausesOf(() => 0.5);
  const tries = Array.from({ length: 8 }, () => pauses.after(false));
  expect(tries).toEqual([750, 1500, 3000, 6000, 12_000, 22_500, 22_500, 22_500]);
  for (let count = 0; count < 10_000; count++) pauses.after(false);
  expect(pauses.after(false)).toBe(22_500);
  expect([pauses.after(true), pauses.after(false)]).toEqual([2_000, 750]);
});

test("no two agents ask at the same moments: pauses are drawn within their bounds", () => {
  const ends = [0, 0.999_999].map((drawn) => {
    const pauses = pausesOf(() => drawn);
    return [pauses.after(true), pauses.after(false)].map(Math.round);
  });
  expect(ends).toEqual([
    [1800, 500],
    [2200, 1000],
  ]);
});
