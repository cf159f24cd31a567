import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { matchesDecoded, matchesEmpty, matchesOnly } from "./characters.ts";

const UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~/-";

it.each([
  ["/[a-z]+", true],
  ["/[A-z]", false],
  ["/a.b", false],
  ["/\\w{2}|/x", true],
])("matchesOnly %s: %s", (regex, expected) => expect(matchesOnly(regex, UNRESERVED)).toBe(expected));

it.each([
  ["a*", true],
  ["a|", true],
  ["(?:a?|b)c?", true],
  ["a+", false],
  ["^$", true],
])("matchesEmpty %s: %s", (regex, expected) => expect(matchesEmpty(regex)).toBe(expected));

describe("matchesDecoded", () => {
  it.each([
    ["/users/[0-9]+", true],
    ["/users/[^/]+", true],
    ["/users/[^/]+/orders/[^/]*", true],
    ["/.*\\.php", true],
    ["(?:/[^/]+){2,}", true],
    ["/static/.*", true],
    // The digits of an encoded character could be taken for these.
    ["/.*ab", false],
    ["/[^/]+[0-9]", false],
    ["/.*.*", false],
    // One character, or a number of them.
    ["/a.b", false],
    ["/[^/]{2,}", false],
    ["/[^/]?", false],
    // Some characters that are not plain, but not all.
    ["/[^/?]+", false],
    ["/[^a]+", false],
    ["/[@a]+", false],
    ["/\\S+", false],
    ["/.+\\b/", false],
  ])("%s: %s", (regex, expected) => expect(matchesDecoded(regex, UNRESERVED)).toBe(expected));
});

const piece = fc.constantFrom(..."a b / . [^/] [0-9] [a-f] [^/.] \\. \\w \\d [^a] % @ 4 C - [^%] \\D".split(" "));
const repeated = fc.tuple(piece, fc.constantFrom("", "", "*", "+", "?", "{2}", "{1,}")).map((parts) => parts.join(""));
const sequence = fc.array(repeated, { minLength: 1, maxLength: 3 }).map((parts) => parts.join(""));
const regexes = fc
  .tuple(sequence, sequence, sequence, fc.constantFrom("", "?"))
  .map(([a, b, c, repeat]) => `/${a}(?:${b}|${c})${repeat}`);
const paths = fc
  .array(fc.constantFrom(..."a b c 4 C / . @ %40 %0a %0A %C3 %A9 %25 %3f - x 0 _ :".split(" ")), { maxLength: 7 })
  .map((parts) => `/${parts.join("")}`);

test("random expressions: the path as it came and the decoded one match alike", () => {
  const texts = fc.sample(paths, { numRuns: 300, seed: 7 });
  const chosen = [...new Set(fc.sample(regexes, { numRuns: 5000, seed: 8 }))].filter((regex) =>
    matchesDecoded(regex, UNRESERVED),
  );
  const open = chosen.filter((regex) => !matchesOnly(regex, UNRESERVED));
  expect(open.length).toBeGreaterThan(40);
  for (const regex of chosen) {
    const sent = new RegExp(`^(?:${regex})$`);
    const decoded = new RegExp(`^(?:${regex})$`, "s");
    const wrong = texts.filter((text) => {
      const bytes = text.replace(/%(..)/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
      return sent.test(text) !== decoded.test(bytes);
    });
    expect([regex, wrong]).toEqual([regex, []]);
  }
});
