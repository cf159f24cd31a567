/** The expressions against a reading of the Cookie header by hand. */
import fc from "fast-check";
import { RE2JS } from "re2js";
import { expect, test } from "vitest";
import type { TestIr } from "../../ir/index.ts";
import { cookieRegexes } from "./cookieRegex.ts";

const NAME = "ab-c";

function cookieValue(line: string): string {
  const pairs = line.split(";").map((pair) => pair.replace(/^[ \t]+/, ""));
  return pairs.find((pair) => pair.startsWith(`${NAME}=`))?.slice(NAME.length + 1) ?? "";
}

function passes(line: string, kind: TestIr, value: string): boolean {
  const found = cookieRegexes(NAME, kind, value).map((regex) => RE2JS.compile(regex).testExact(line));
  return kind === "absent" ? found.every((isMatch) => !isMatch) : found.every(Boolean);
}

const piece = fc.constantFrom(
  "ab-c",
  "ab-",
  "a",
  "ab-cd",
  "x",
  "=",
  "==",
  "1",
  "12",
  ";",
  "; ",
  ";; ",
  " ",
  "ab-c=1",
  "ab-c=",
);
const line = fc.array(piece, { maxLength: 9 }).map((pieces) => pieces.join("").trim());

test("the first cookie of the name counts, whatever stands around it", () => {
  fc.assert(
    fc.property(line, (text) => {
      const value = cookieValue(text);
      expect([text, passes(text, "exact", "1")]).toEqual([text, value === "1"]);
      expect([text, passes(text, "present", "")]).toEqual([text, value !== ""]);
      expect([text, passes(text, "absent", "")]).toEqual([text, value === ""]);
      expect([text, passes(text, "regex", "1.*|=+")]).toEqual([text, value !== "" && /^(?:1.*|=+)$/.test(value)]);
    }),
    { numRuns: 5000 },
  );
});
