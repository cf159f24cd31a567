import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { linearRegex } from "./linear.ts";
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
