import { expect, test } from "vitest";
import { createFleetStatuses } from "./fleetStatus.ts";

test("failures are counted each time and told once; the next good output is told as their end, once", () => {
  const statuses = createFleetStatuses(() => null);
  statuses.renew(["edge", "legacy"], 1);
  expect(statuses.published("edge", 1)).toBe(false);
  expect([statuses.failed("edge", 2, new Error("broke")), statuses.failed("edge", 3, new Error("broke"))]).toEqual([
    true,
    false,
  ]);
  expect(new Map(statuses.failures())).toEqual(
    new Map([
      ["edge", 2],
      ["legacy", 0],
    ]),
  );
  // Something new is to be tried: whether it fails too is not known, and nothing has recovered.
  statuses.pending("edge", true);
  expect(statuses.of("edge")).toMatchObject({ error: null });
  expect(statuses.published("edge", 4)).toBe(true);
  expect(statuses.published("edge", 5)).toBe(false);
  statuses.uncompiled(6, new Error("whole"));
  expect([statuses.published("edge", 7), statuses.published("legacy", 7)]).toEqual([true, true]);
  statuses.renew(["edge"], 8);
  expect(new Map(statuses.failures())).toEqual(new Map([["edge", 3]]));
  expect(statuses.published("legacy", 8)).toBe(false);
});
