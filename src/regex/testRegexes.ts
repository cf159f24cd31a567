/** Expressions for tests: what PCRE2 fails at on long texts as it comes, what is refused, random ones. */
import fc from "fast-check";

/** Near the longest request line and header field that all proxies take. */
export const LONG = 58_000;

const filled = (start: string, pump: string, end = "") =>
  start + pump.repeat(Math.floor((LONG - start.length - end.length) / pump.length)) + end;

const NAMES =
  "anna|berta|carla|doris|evgenij|frieda|gerda|hanna|inge|johanna|klara|lotte|maria|nora|olga|paula|rosa|sarah|tina|ute|vera|wanda|xenia|yvonne|zita|ada|bea|cora|dora|emma|fanny|gina";

/** An expression, a text that it matches, one that it does not. Written as it is PCRE2 would give up or take seconds. */
interface LongRegex {
  readonly regex: string;
  readonly text: string;
  readonly other: string;
}

const ended = (regex: string, text: string, spoilt = "!"): LongRegex => ({ regex, text, other: text + spoilt });

/** For the longest texts. */
export const longRegexes: readonly LongRegex[] = [
  ended("/(?:a|b)*", filled("/", "ab")),
  ended("(?:/[a-z0-9._~-]+)+", filled("", "/a.b")),
  ended("(/[^/]+)*", filled("", "/x"), "/"),
  ended("/(?:(?:a|b)+/)*", filled("/", "ab/")),
  ended("/(?:(?:(?:a|b)+,)+;)*x?", filled("/", "ab,b,;")),
  ended("/.*x.*y", filled("/y", "x", "y")),
  ended("/.*(?:iPhone|Android).*Mobile", filled("/Mobile", "iPhoneAndroid", "Mobile")),
  ended("/.*foo[^/]*", filled("/", "foo/", "foo"), "/x"),
  ended("/(?:[a-z]+/){3,}END", filled("/", "abc/", "END")),
  ended("/.*/v\\d+/.*x", filled("/a", "/v11", "/v1/x")),
  ended("/[a-z]*[a-z]*[0-9]", filled("/", "a", "1")),
  ended("/(?:[a-z]+/?)*", filled("/", "ab/")),
  ended("(/[^/]+)*/admin", filled("", "/admi", "/admin")),
  ended("/(a+)+", filled("/", "a")),
  ended("/(a*)*", filled("/", "a")),
  ended("/(?:foo|far)*", filled("/", "foofar")),
  ended("/(foo|bar|baz)+", filled("/", "foobarbaz")),
  ended("/(?:a|ab)*c", filled("/", "aab", "c")),
  ended("/.*(?:ab)*x", filled("/", "ab", "x")),
  { regex: "/.*/[a-z]+/x/.*", text: filled("/", "a/", "x/"), other: filled("/", "a/", "A/x/") },
  { regex: "/.*a[a-c]*b.*", text: filled("/", "ac", "b"), other: filled("/", "ac") },
  ended("^(/.*?;)?(user=jason)(;.*)?$", filled("/", "user=jaso;", "user=jason")),
  {
    regex: "/(.*; ?)?session=[^;]+(;.*)?",
    text: filled("/", "session=;", ";session=1"),
    other: filled("/", "session=;"),
  },
  ended("/(.*,\\s*)?gzip(\\s*,.*)?", filled("/", "gzi,", ",gzip")),
  ended("/(.*;\\s*)?canary=(1|true)(\\s*;.*)?", filled("/", "canary=tru;", ";canary=true")),
  ended("/(?:.*; ?)?ab=(a|b)(?:;.*)?", filled("/", "ab=;", "ab=a")),
  ended("/(.*/)?\\.git(/.*)?", filled("/", ".gi/", ".git")),
  ended("/(.*/)?\\.(git|svn|env)(/.*)?", filled("/", ".gi/.sv/", ".env")),
  { regex: "(/.*)?/v\\d+/.*", text: filled("/", "v1x/", "v1/"), other: filled("/", "v1x/") },
  {
    regex: ".*session=[^;]+.*",
    text: filled("/", "sessession;", "session=1"),
    other: filled("/", "sessession;", "session=;"),
  },
  { regex: "/5\\.0.*Chrome/\\d+.*", text: filled("/5.0", "Chrome/x", "Chrome/1"), other: filled("/5.0", "Chrome/x") },
  ended("/(?:[^/]+/)*index\\.html", filled("/", "index.htm/", "index.html")),
  ended("/(?:[^/]+/)*[^/]+\\.php", filled("/", "a.ph/", "a.php")),
  ended("/([\\w-]+/)*[\\w-]+\\.jpg", filled("/", "a-b/", "x.jpg")),
  ended("/([a-z]+-)*[a-z]+", filled("/", "ab-", "a")),
  ended("(?:/[a-z]+)*/?", filled("", "/x", "/")),
  ended("/([a-z0-9]+/?)+", filled("/", "x/")),
  ended("/([a-z]+/){0,3}[a-z]+", filled("/a/b/c/", "x")),
  // Nearly the longest pattern that nginx has room for.
  ended(`/(?:[a-z]+/)*(${NAMES})`, `/${NAMES.replaceAll("|", "/")}`),
];

/** What cannot be written so that PCRE2 needs linear time: all have too many states. */
export const refusedRegexes: readonly string[] = [
  "/.*a.{12}[b-d]+.*",
  "/(?:a?){1000}a",
  "/(?:(?:[a-z]|[0-9])/){1000}",
  "(?:/[a-z]{1,200})*/[a-z]+x",
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
