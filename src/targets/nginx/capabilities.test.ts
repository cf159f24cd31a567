import { expect, test } from "vitest";
import { capabilities } from "./capabilities.ts";

test.each([
  ["900ms", true],
  ["2s999ms", true],
  ["3s", false],
  ["5000ms", false],
  ["1m", false],
  ["1m1s", false],
])("an idle timeout of %s may end early: %s", (duration, isEarly) => {
  expect(capabilities["route.rules[].timeouts.idle"].when(duration)).toBe(isEarly);
});
