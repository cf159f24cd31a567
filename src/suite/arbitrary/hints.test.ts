/** Hints stand beside what is in the schemas, and agree with them. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { validateConfig } from "../../model/index.ts";
import { PLACES } from "./edits.ts";
import { arbitraryOf } from "./fromSchema.ts";
import { hintOf, placeHints, valueHints } from "./hints.ts";
import { plain } from "./names.ts";
import { drawn, EVERY_PROXY } from "./skeleton.ts";

const RUNS = 100;

test("a hint is of a place or of a shared value that there is", () => {
  const paths = PLACES.map(({ path }) => path);
  expect(Object.keys(placeHints).filter((path) => !paths.includes(path))).toEqual([]);
  const values = PLACES.map(({ schema }) => schema["x-value"]);
  expect(Object.keys(valueHints).filter((name) => !values.includes(name))).toEqual([]);
});

test("a hint says something, and why", () => {
  for (const { reason, ...rest } of [...Object.values(placeHints), ...Object.values(valueHints)]) {
    expect(reason).not.toBe("");
    expect(Object.keys(rest)).not.toEqual([]);
  }
});

test("what is drawn has the shape that the schemas ask for, but for addresses that look like some", () => {
  fc.assert(
    fc.property(drawn(EVERY_PROXY), (document) => {
      const shape = validateConfig(plain(document)).diagnostics.filter(({ code }) => code.startsWith("SCHEMA-"));
      expect(shape.filter(({ pointer }) => !/\/endpoints\/\d+\/address$/.test(pointer))).toEqual([]);
    }),
    { numRuns: RUNS },
  );
});

describe("a field that no hint knows is drawn as its schema says", () => {
  const of = (schema: object): fc.Arbitrary<unknown> => arbitraryOf({ path: "new.field", schema });
  test.each<[object, (value: unknown) => boolean]>([
    [
      { type: "integer", minimum: 3, maximum: 9 },
      (value) => Number.isInteger(value) && Number(value) >= 3 && Number(value) <= 9,
    ],
    [{ type: "number", minimum: 0, maximum: 1, multipleOf: 0.5 }, (value) => [0, 0.5, 1].includes(value as number)],
    [{ enum: ["a", "b"] }, (value) => value === "a" || value === "b"],
    [{ const: true }, (value) => value === true],
    [{ type: "string", pattern: "^[a-c]{2}$", maxLength: 2 }, (value) => /^[a-c]{2}$/.test(value as string)],
    [{ type: "string", "x-ref": "fleets" }, (value) => ["envoys", "nginxes", "haproxies"].includes(value as string)],
    [
      { type: "array", minItems: 1, maxItems: 2, items: { type: "boolean" } },
      (value) => [1, 2].includes((value as []).length),
    ],
    [
      {
        type: "object",
        properties: { a: { const: 1 }, b: { const: 2 } },
        oneOf: [{ required: ["a"] }, { required: ["b"] }],
      },
      (value) => ['{"a":1}', '{"b":2}'].includes(JSON.stringify(value)),
    ],
  ])("%j", (schema, isAllowed) => fc.assert(fc.property(of(schema), (value) => isAllowed(value))));

  test.each([{ type: "string", format: "new" }, { type: "string" }, { type: "integer" }, {}])("not %j", (schema) => {
    expect(() => of(schema)).toThrow("hint");
  });
});

test("a reference takes names, whatever its value's type", () => {
  expect(hintOf({ path: "new.field", schema: { "x-value": "name", "x-ref": "routes" } as object }).value).toBe(
    undefined,
  );
});
