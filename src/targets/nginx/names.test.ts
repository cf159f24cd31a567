import { expect, it } from "vitest";
import { createNames, holdAgain, matchSuffix } from "./names.ts";

it("names by words, and by a number only where two fall together", () => {
  const names = createNames();
  const claims = [
    names.claim("split_web_a-b/c", "one"),
    names.claim("split_web_a/b-c", "two"),
    names.claim("split_web_a-b/c", "one"),
    names.claim("split_web_a/b/c-2", "three"),
    names.claim("split_web_a/b/c", "four"),
  ];
  expect(claims.map(({ got }) => got)).toEqual([
    "split_web_a_b_c",
    "split_web_a_b_c_2",
    "split_web_a_b_c",
    "split_web_a_b_c_2_2",
    "split_web_a_b_c_3",
  ]);
  expect(holdAgain(claims, createNames())).toBe(true);
  expect(holdAgain(claims.slice(1), createNames())).toBe(false);
});

it.each([
  ["shop.0.0", ""],
  ["shop.0.2", "/2"],
])("the match of %s: %j", (id, expected) => expect(matchSuffix({ id })).toBe(expected));
