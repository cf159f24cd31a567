import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalJson, contentHash, contentHashSteps, hashSteps } from "./hash.ts";
import { finish } from "./steps.ts";

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

test("a text hashed piece by piece is the text, wherever a pair of surrogates lies", () => {
  for (const before of [0, 1, 256 * 1024 - 1, 256 * 1024, 512 * 1024 - 1]) {
    const text = `${"a".repeat(before)}\u{1f600}${"é".repeat(1000)}`;
    const hash = createHash("sha256");
    finish(hashSteps(hash, text));
    expect(finish(contentHashSteps(text))).toBe(contentHash(text));
    expect(hash.digest("hex")).toBe(createHash("sha256").update(text).digest("hex"));
  }
});
