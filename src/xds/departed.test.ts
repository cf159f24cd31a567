import { expect, it } from "vitest";
import { createDeparted } from "./departed.ts";
import { MAX_DEPARTED } from "./limits.ts";
import { ENDPOINT, resource } from "./testing.ts";

const mapOf = (names: readonly string[]) => new Map(names.map((name) => [name, resource(ENDPOINT, name)]));
const lost = (...removed: string[]) => ({ changed: [], removed, aliased: false });

it("knows what went as it was last, since when, and not what came back", () => {
  const departed = createDeparted();
  const before = mapOf(["a", "b", "c"]);
  departed.note(lost("a"), before, 1);
  departed.note(lost("b", "c"), before, 2);
  expect(departed.get("a")).toBe(before.get("a"));
  expect(departed.since(2).map(([name]) => name)).toEqual(["b", "c"]);
  departed.note({ changed: ["b"], removed: [], aliased: false }, before, 3);
  expect(departed.get("b")).toBeUndefined();
});

it("forgets the oldest when there is too much", () => {
  const departed = createDeparted();
  const names = Array.from({ length: MAX_DEPARTED + 2 }, (_, index) => `n${index}`);
  const before = mapOf(names);
  departed.note(lost("n0", "n1"), before, 1);
  departed.note(lost("n0"), before, 2);
  departed.note(lost(...names.slice(2)), before, 3);
  expect(departed.since(0)).toHaveLength(MAX_DEPARTED);
  expect(["n0", "n1", "n2"].map((name) => departed.get(name))).toEqual([undefined, undefined, before.get("n2")]);
});
