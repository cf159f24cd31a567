import { expect, test } from "vitest";
import { createRecent } from "./recent.ts";

test("what was asked for lately stays, and all of it together is bounded", () => {
  const recent = createRecent<number>(100);
  recent.set("kept", 1, 10);
  for (let index = 0; index < 1000; index++) {
    recent.set(`other ${index}`, index, 10);
    expect(recent.get("kept")).toBe(1);
  }
  const left = Array.from({ length: 1000 }, (_, index) => recent.get(`other ${index}`)).filter(
    (value) => value !== undefined,
  );
  expect(left.length).toBeLessThan(11);
});

test("an entry that is larger than all is not kept for long, and breaks nothing", () => {
  const recent = createRecent<number>(100);
  recent.set("large", 1, 1000);
  recent.set("one", 2, 10);
  recent.set("two", 3, 10);
  expect(recent.get("one")).toBe(2);
  expect(recent.get("two")).toBe(3);
});
