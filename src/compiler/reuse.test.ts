import { expect, test } from "vitest";
import { reuse, reuseList } from "./reuse.ts";

test("an equal node is the old one, whatever fields it has", () => {
  const old = Object.freeze({ a: 1, list: [{ b: 2 }], none: null });
  expect(reuse(old, { a: 1, list: [{ b: 2 }], none: null })).toBe(old);
});

test.each([
  ["a value", { a: 2, list: [{ b: 2 }], none: null }],
  ["a value below", { a: 1, list: [{ b: 3 }], none: null }],
  ["an item more", { a: 1, list: [{ b: 2 }, { b: 2 }], none: null }],
  ["a field more", { a: 1, list: [{ b: 2 }], none: null, more: 1 }],
  ["another kind of value", { a: 1, list: { 0: { b: 2 } }, none: null }],
  ["a field less", { a: 1, list: [{ b: 2 }] }],
])("%s makes another node, frozen", (_what, next) => {
  const old = Object.freeze({ a: 1, list: [{ b: 2 }], none: null });
  const made = reuse<object>(old, next);
  expect(made).toBe(next);
  expect(Object.isFrozen(made)).toBe(true);
});

test("lists", () => {
  const old = [{ a: 1 }];
  expect(reuseList(old, [{ a: 1 }])).toBe(old);
  expect(reuseList(old, [{ a: 2 }])).not.toBe(old);
  expect(reuseList(null, old)).toBe(old);
});
