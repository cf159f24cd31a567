/** Zones' weights become weights of endpoints whose shares are the wished ones. */
import { expect, test } from "vitest";
import { zoneWeights } from "./zoneWeights.ts";

type Endpoint = Parameters<typeof zoneWeights>[0]["endpoints"][number];

function weightsOf(weights: Record<string, number>, ...endpoints: Partial<Endpoint>[]): number[] {
  const all = endpoints.map((each, at) => ({ address: "192.0.2.1", port: at + 1, ...each }));
  return zoneWeights({ name: "c", endpoints: all, locality: { weights } }).map(({ weight }) => weight);
}

const a = { zone: "a" };
const b = { zone: "b" };

test("a zone has its share, however many endpoints it has", () => {
  expect(weightsOf({ a: 3, b: 1 }, a, a, b)).toEqual([3, 3, 2]);
  expect(weightsOf({ a: 50, b: 50 }, a, a, a, b, b, b, b, b, b, b)).toEqual([7, 7, 7, 3, 3, 3, 3, 3, 3, 3]);
});

test("inside a zone endpoints share by their weight", () => {
  expect(weightsOf({ a: 1, b: 1 }, { ...a, weight: 3 }, a, b)).toEqual([3, 1, 4]);
});

test("what gets nothing has no part in its zone's share, and a zone of nobody leaves it to the others", () => {
  expect(weightsOf({ a: 3, b: 1 }, a, { ...a, state: "drain" }, { ...a, weight: 0 }, b)).toEqual([3, 0, 0, 1]);
  expect(weightsOf({ a: 3, b: 1 }, { ...a, state: "down" }, b)).toEqual([0, 1]);
  expect(weightsOf({ a: 0, b: 1 }, a, b)).toEqual([0, 1]);
  expect(weightsOf({ a: 0 }, a, a)).toEqual([0, 0]);
});

test("each priority is shared by itself", () => {
  expect(weightsOf({ a: 3, b: 1 }, a, b, { ...a, priority: 1 }, { ...b, priority: 1 }, { ...b, priority: 1 })).toEqual([
    3, 1, 6, 1, 1,
  ]);
});

test("names of zones are only names", () => {
  expect(weightsOf({ constructor: 2, b: 1 }, { zone: "constructor" }, b)).toEqual([2, 1]);
});

test("nobody gets more than 256, and whoever serves at least 1", () => {
  const weights = weightsOf({ a: 1000, b: 1 }, a, b, b);
  expect(weights).toEqual([256, 1, 1]);
});
