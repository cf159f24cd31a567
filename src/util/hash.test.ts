import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalJson, contentHash } from "./hash.ts";

test("canonical JSON is JSON, and the order of keys does not matter", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
  expect(canonicalJson({ b: [{ d: 1, c: undefined }], a: "x" })).toBe('{"a":"x","b":[{"d":1}]}');
});

test("two lists of parts hash alike only when they are alike", () => {
  expect(contentHash("ab", "c")).not.toBe(contentHash("a", "bc"));
  expect(contentHash("a")).toMatch(/^[0-9a-f]{16}$/);
});
