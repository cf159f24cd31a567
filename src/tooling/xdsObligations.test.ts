/** Every obligation of docs/xds.md is shown by a test, and no test names one that is not there. */
import { describe, expect, test } from "vitest";
import { OBLIGATIONS, REGRESSIONS } from "./docs/xdsObligations.ts";
import { namedTests } from "./docs/xdsReference.ts";

const tests = namedTests();
const obligations = OBLIGATIONS.flatMap(([, list]) => list.map(([number]) => number));
const regressions = REGRESSIONS.map(([number]) => number);
const keys = [...obligations.map((number) => `obligation ${number}`), ...regressions.map((n) => `regression ${n}`)];

describe("obligations of the xDS server", () => {
  test("are numbered in sequence", () => {
    expect(obligations).toEqual(Array.from({ length: 70 }, (_, index) => index + 1));
    expect(regressions).toEqual(Array.from({ length: 15 }, (_, index) => index + 1));
  });

  test("are each named by a test", () => {
    expect(keys.filter((key) => !tests.has(key))).toEqual([]);
  });

  test("are known to every test that names one", () => {
    expect([...tests.keys()].filter((key) => !keys.includes(key))).toEqual([]);
  });
});
