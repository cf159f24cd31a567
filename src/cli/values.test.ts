import fc from "fast-check";
import { expect, test } from "vitest";
import { schemas } from "../gen/schemas.ts";
import { OWNER_NAME } from "../model/index.ts";
import { fleetName, ownerName } from "./values.ts";

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
