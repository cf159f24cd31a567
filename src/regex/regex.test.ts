import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { linearRegex, regexProblem } from "./linear.ts";
import { MatchTooLongError, matchesWhole } from "./match.ts";
import { longRegexes, randomRegex, refusedRegexes, regexText } from "./testRegexes.ts";

const budget = () => ({ left: 20_000_000 });

describe("for PCRE2", () => {
  test.each([
    ["/users/\\d+/(posts|photos)(/.*)?", "/users/\\d++/(?:posts|photos)(?:/.*+)?"],
    ["/(?:a|b)*", "/(?:(?:a|b))*+"],
    ["(?:/[a-z]+)+", "(?:/[a-z]++)++"],
    ["/.*\\.(php|html?)", "/.*\\.(?:php|html?+)"],
    [".*foo.*bar.*", "(?>.*?foo)(?>.*?bar).*+"],
    [".*foo[^/]*", "(?>.*foo)[^/]*+"],
    [".*(cat|horse).*x", "(?:(?>.*?cat)|(?>.*?horse)).*x"],
    ["/(.*/)?\\.git(/.*)?", "(?:/(?>.*?/\\.git/).*+|/\\.git/.*+|/.*/\\.git|/\\.git)"],
    ["/(a+)+", "/a++"],
    ["/([a-z]+-)*[a-z]+", "/(?:[a-z]++-)*+[a-z]++"],
    ["/([^/]+/?)+", "/[^/](?:[^/]++|/[^/])*+(?:/)?+"],
    ["(?:/[^/]+)*/?", "(?:/(?:[^/]++/)*+(?:[^/]++)?+)?+"],
    ["/(foo|bar|baz)+", "/(?:foo|ba[rz])++"],
    ["/(?:[^/]+/)*ab", "/(?:a(?:[^/b][^/]*+/|b(?:[^/]++/|/)|/)|[^/a][^/]*+/)*+ab"],
    ["/[ .\\\\^\\]-]*[ -]*\\-?", "/[ \\-.\\\\-\\^]*+"],
    [".*a[a-c]*b.*", "(?:a[ac]*+[^a-c]|[^a]++)*+a[ac]*+b.*+"],
    [".*/x(/.*)?", "(?:(?>.*?/x/).*+|.*/x)"],
    ["/(|a)b", "/(?:|a)b"],
    ["(?:[0-9]{1,3}\\.){3}[0-9]{1,3}", "(?:[0-9]{1,3}+\\.){3}+[0-9]{1,3}+"],
  ])("%s is written %s", (regex, pattern) => expect(linearRegex(regex)).toEqual({ pattern, problem: null }));

  test.each(longRegexes)("$regex can be had", ({ regex }) => expect(linearRegex(regex).problem).toBeNull());

  test.each(refusedRegexes)("%s is refused", (regex) => {
    expect(linearRegex(regex)).toEqual({ pattern: regex, problem: expect.any(String) });
  });

  test("no expression takes long to judge: the test's own time limit says so", () => {
    for (const part of ["a{1000}", ".*", "a?", "(?:a|b)?", "(?:a{1,9}|b)", ".*(a|bb)", ".*a+b"]) {
      expect(linearRegex(part.repeat(100).slice(0, 512)).pattern).not.toBe("");
    }
    expect(linearRegex(`${"(".repeat(30)}a|b${")*".repeat(30)}`).pattern).toBe("[ab]*+");
  });
});

describe("the dialect", () => {
  test.each([
    ["a|b|", null],
    ["|a", null],
    ["(a", "at character 3: a group is not closed"],
    ["a)", "at character 2: a `)` closes no group"],
    ["[b-a]", "at character 5: a range runs downwards or ends with a class"],
    ["a{2}{3}", "at character 5: a repeat is repeated; put it in a group"],
    ["\\1", "at character 1: `\\1` is not one of \\d \\w \\s \\b \\D \\W \\S \\B"],
    ["aé", "at character 2: write printable ASCII only"],
    [`${"(".repeat(33)}a${")".repeat(33)}`, "at character 34: groups are nested more than 32 deep"],
    ["(a{40}){2,40}", "repeats add up to 1600; RE2 takes at most 1000"],
    ["(a{40}){25,}", null],
  ])("%s: %s", (regex, problem) => {
    const found = regexProblem(regex);
    expect(found?.replace("; RE2 and PCRE2 must read the expression alike", "") ?? null).toBe(problem);
  });
});

describe("a match of the whole text", () => {
  test("is what JavaScript's expressions find", () => {
    const property = fc.property(randomRegex, fc.array(regexText, { maxLength: 20 }), (regex, texts) => {
      const expected = new RegExp(`^(?:${regex})$`);
      const wrong = texts.filter((text) => matchesWhole(regex, text, budget()) !== expected.test(text));
      expect(wrong).toEqual([]);
    });
    fc.assert(property, { numRuns: 1000, seed: 11 });
  });

  test.each([
    ["a|bc|", "", true],
    ["^/a$|b", "/a", true],
    ["x{0}y{2,3}", "yyyy", false],
    ["[\\]a]?\\]", "a]", true],
    ["[^\\d\\-]+", "a_b", true],
    ["ab*", "a", true],
    ["/v1+", "/v111", true],
    ["..", "é", true],
    [".", "é", false],
    ["\\w+\\b.*", "ab é", true],
  ])("%s, %s: %s", (regex, text, matches) => expect(matchesWhole(regex, text, budget())).toBe(matches));

  test.each(longRegexes)("$regex needs linear time", ({ regex, text, other }) => {
    expect(matchesWhole(regex, text, budget())).toBe(true);
    expect(matchesWhole(regex, other, budget())).toBe(false);
  });

  test("stops at its budget, and before a match that alone would take long", () => {
    const left = { left: 100_000 };
    const many = () => Array.from({ length: 10 }, () => matchesWhole("(a+)+", "aaa!", left));
    expect(many).toThrow(MatchTooLongError);
    expect(() => matchesWhole("(?:[a-z]{1,10}/){100}", "", { left: 100_000 })).toThrow(MatchTooLongError);
    const regex = "(?:a?){1000}(?:b?){1000}x";
    expect(() => matchesWhole(regex, "a".repeat(8000), { left: 1e12 })).toThrow(MatchTooLongError);
  });
});
