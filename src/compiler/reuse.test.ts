import { expect, test } from "vitest";
import { reuse, reuseList, reuseParent } from "./reuse.ts";

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

test("lists of nodes are told apart by identity", () => {
  const node = Object.freeze({ a: 1 });
  const old = [node, "text"];
  expect(reuseList(old, [node, "text"])).toBe(old);
  expect(reuseList(old, [{ a: 1 }, "text"])).not.toBe(old);
  expect(reuseList(old, [node])).not.toBe(old);
  expect(reuseList(null, old)).toBe(old);
});

test("a node of nodes looks no deeper than its lists", () => {
  const node = Object.freeze({ a: 1 });
  const old = reuseParent<object>(null, { name: "n", list: [node] });
  expect(Object.isFrozen(old)).toBe(true);
  expect(reuseParent<object>(old, { name: "n", list: [node] })).toBe(old);
  expect(reuseParent<object>(old, { name: "m", list: [node] })).not.toBe(old);
  expect(reuseParent<object>(old, { name: "n", list: [{ a: 1 }] })).not.toBe(old);
});
