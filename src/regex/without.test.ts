import fc from "fast-check";
import { RE2JS } from "re2js";
import { expect, test } from "vitest";
import { randomRegex, regexText } from "./testRegexes.ts";
import { hasAnchor, withoutCharacter } from "./without.ts";

const matches = (regex: string, text: string): boolean => RE2JS.compile(regex).testExact(text);

test("the same of texts without the character, and nothing of texts with it", () => {
  fc.assert(
    fc.property(randomRegex, regexText, (regex, text) => {
      const without = withoutCharacter(regex, "a");
      expect([regex, text, matches(without, text)]).toEqual([regex, text, !text.includes("a") && matches(regex, text)]);
    }),
    { numRuns: 2000 },
  );
});

test.each([
  ["a.*b", "a;b", false],
  ["a.*b", "axxb", true],
  ["[^x]+", "a;b", false],
  ["[;a]+", "aa", true],
  [";", ";", false],
  ["\\D+", "a;", false],
  ["(?:a|;){2,3}", "aa", true],
])("%s, without `;`, on %s", (regex, text, isMatch) =>
  expect(matches(withoutCharacter(regex, ";"), text)).toBe(isMatch),
);

test("anchors are found, word boundaries are none", () => {
  expect(["^a", "a$", "(a|^b)", "a\\b", "a"].map(hasAnchor)).toEqual([true, true, true, false, false]);
});
