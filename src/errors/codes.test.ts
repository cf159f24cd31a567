import { expect, test } from "vitest";
import { apiCodes, combineCodes, storeCodes } from "./codes.ts";

const entry = { status: 400, title: "t", explanation: "e" };

test("lists join to one registry; a code that two rooms claim, or that is misspelt, is a defect", () => {
  expect(Object.keys(combineCodes(apiCodes, storeCodes)).length).toBe(
    Object.keys(apiCodes).length + Object.keys(storeCodes).length,
  );
  expect(() => combineCodes({ "A-B": entry }, { "A-B": entry })).toThrow("A-B is defined twice");
  expect(() => combineCodes({ lower: entry })).toThrow("not upper-case words");
});

test("every entry says what it is and what to do", () => {
  for (const [code, { status, title, explanation }] of Object.entries(combineCodes(apiCodes, storeCodes))) {
    expect([code, status >= 400 && status < 600, title.length > 3, explanation.endsWith(".")]).toEqual([
      code,
      true,
      true,
      true,
    ]);
  }
});
