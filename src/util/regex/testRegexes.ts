/** Expressions for tests: what PCRE2 fails at on long texts as it comes, what is refused, random ones. */
import fc from "fast-check";

/** Near the longest request line and header field that all proxies take. */
export const LONG = 58_000;

const filled = (start: string, pump: string, end = "") =>
  start + pump.repeat(Math.floor((LONG - start.length - end.length) / pump.length)) + end;

/** Each matches `text`, and not `text` with `spoilt` behind it. Written as it is PCRE2 would give up or take seconds. */
export const longRegexes: readonly { readonly regex: string; readonly text: string; readonly spoilt: string }[] = [
  { regex: "/(?:a|b)*", text: filled("/", "ab"), spoilt: "!" },
  { regex: "(?:/[a-z0-9._~-]+)+", text: filled("", "/a.b"), spoilt: "!" },
  { regex: "(/[^/]+)*", text: filled("", "/x"), spoilt: "/" },
  { regex: "/(?:(?:a|b)+/)*", text: filled("/", "ab/"), spoilt: "!" },
  { regex: "/(?:(?:(?:a|b)+,)+;)*x?", text: filled("/", "ab,b,;"), spoilt: "!" },
  { regex: "/.*x.*y", text: filled("/y", "x", "y"), spoilt: "!" },
  { regex: "/.*(?:iPhone|Android).*Mobile", text: filled("/Mobile", "iPhoneAndroid", "Mobile"), spoilt: "!" },
  { regex: "/.*foo[^/]*", text: filled("/", "foo/", "foo"), spoilt: "/x" },
  { regex: "/(?:[a-z]+/){3,}END", text: filled("/", "abc/", "END"), spoilt: "!" },
  { regex: "/.*/v\\d+/.*x", text: filled("/a", "/v11", "/v1/x"), spoilt: "!" },
  { regex: "/[a-z]*[a-z]*[0-9]", text: filled("/", "a", "1"), spoilt: "!" },
];

/** What cannot be written so that PCRE2 needs linear time. */
export const refusedRegexes: readonly string[] = [
  "/(?:[a-z]+/?)*",
  "(/[^/]+)*/admin",
  "/(a+)+",
  "/(a*)*",
  "/(?:foo|far)*",
  "/(?:a|ab)*c",
  "/.*(?:ab)*x",
  "/.*/[a-z]+/x/.*",
  "/.*a[a-c]*b.*",
  "/(?:a?){1000}a",
  "/(?:(?:[a-z]|[0-9])/){1000}",
  "/(?:a?a?a?a?a?a?a?a?)a*",
];

const atom = fc.constantFrom("a", "b", "/", "[ab]", "[^/]", ".", "[a-z]", "\\w", "ab", "ba/", "\\.", "x", "\\d", "\\b");
const quantifier = fc.constantFrom("", "", "", "", "*", "+", "?", "{2}", "{1,3}", "{2,}", "*?");
const piece = fc.tuple(atom, quantifier).map(([text, times]) => text + (text.endsWith("b") ? "" : times));

/** Longer ones take JavaScript, which they are compared with, too long. */
const MAX_LENGTH = 60;

/** Expressions of the common dialect over few letters, so that they often match `regexText`. */
export const randomRegex = fc
  .letrec<{ sequence: string; part: string; group: string }>((tie) => ({
    sequence: fc.array(tie("part"), { minLength: 1, maxLength: 4 }).map((parts) => parts.join("")),
    part: fc.oneof({ maxDepth: 3 }, piece, piece, tie("group")),
    group: fc
      .tuple(fc.constantFrom("(", "(?:"), fc.array(tie("sequence"), { minLength: 1, maxLength: 3 }), quantifier)
      .map(([open, branches, times]) => `${open}${branches.join("|")})${times}`),
  }))
  .sequence.filter((regex) => regex.length <= MAX_LENGTH);

export const regexText = fc.string({ unit: fc.constantFrom(..."ab/x.1-"), minLength: 1, maxLength: 9 });
