import { expect, test } from "vitest";
import { isBefore, parseVersion } from "./version.ts";

test("versions are read as far as they are written", () => {
  expect(["1.22", "2", "1.40.3"].map(parseVersion)).toEqual([
    [1, 22, 0],
    [2, 0, 0],
    [1, 40, 3],
  ]);
});

test.each([
  ["1.22", "1.23", true],
  ["1.22.5", "1.22", false],
  ["1.22", "1.22", false],
  ["2.10", "2.6", false],
  ["1.40", "2.0", true],
])("%s before %s: %s", (one, other, isOlder) => {
  expect(isBefore(parseVersion(one), parseVersion(other))).toBe(isOlder);
});
