import fc from "fast-check";
import { expect, test } from "vitest";
import { NODE_NAME } from "../api/reportSchema.ts";
import { schemas } from "../gen/schemas.ts";
import { OWNER_NAME } from "../model/index.ts";
import { fleetFiles, fleetName, nodeName, ownerName, pollInterval, splitFleetFile } from "./values.ts";

/** Patterns of the schemas, which option values repeat so that reading a command line loads no model. */
const defs = (
  schemas["trimtab:values"] as { $defs: Record<string, { pattern?: string; propertyNames: { pattern: string } }> }
).$defs;

test.each([
  ["a fleet", fleetName, defs.name?.pattern],
  ["an owner", ownerName, defs.labels?.propertyNames.pattern],
])("%s is named as the schemas say", (_what, read, pattern) => {
  const names = fc.string({ unit: fc.constantFrom(..."aZ0-_./ "), maxLength: 66 });
  const long = fc.tuple(fc.constantFrom("a", "0", "Z"), fc.nat(66)).map(([unit, length]) => unit.repeat(length));
  const isRead = (text: string): boolean => {
    try {
      return read(text) === text;
    } catch {
      return false;
    }
  };
  const property = fc.property(fc.oneof(names, long), (text) => {
    expect(isRead(text), text).toBe(new RegExp(pattern ?? "").test(text));
  });
  fc.assert(property, { numRuns: 2000 });
});

test("an owner's name is a label's value that is not empty", () => {
  expect(OWNER_NAME).toBe(defs.labels?.propertyNames.pattern);
});

test("a proxy is named as the API takes it", () => {
  const wrong = ["", "-a", "a-", ".a", "a b", "a/b", "ä", "a".repeat(129)];
  for (const name of ["lb-3", "LB_3.example.org", "a", "a".repeat(128), ...wrong]) {
    const isWrong = wrong.includes(name);
    expect([name, new RegExp(NODE_NAME).test(name)]).toEqual([name, !isWrong]);
    if (isWrong) expect(() => nodeName(name)).toThrow("letters and digits");
    else expect(nodeName(name)).toBe(name);
  }
});

test("an interval has a unit, and bounds", () => {
  expect(["200ms", "2s", "60s"].map(pollInterval)).toEqual([200, 2_000, 60_000]);
  for (const text of ["", "2", "199ms", "61s", "0s", "-1s", "1.5s", "2 s", "1h", "999999s"])
    expect(() => pollInterval(text), text).toThrow("200ms to 60s");
});

test("a token file may be of one fleet; a file that is called so has its folder before it", () => {
  expect(["edge=/run/t", "/run/t", "./edge=t", "EDGE=t", "a=b=c"].map(splitFleetFile)).toEqual([
    { fleet: "edge", file: "/run/t" },
    { fleet: null, file: "/run/t" },
    { fleet: null, file: "./edge=t" },
    { fleet: null, file: "EDGE=t" },
    { fleet: "a", file: "b=c" },
  ]);
  expect(fleetFiles("b", ["edge=a"])).toEqual(["edge=a", "b"]);
  for (const text of ["", "edge=", " "]) expect(() => fleetFiles(text)).toThrow("It is empty.");
});
