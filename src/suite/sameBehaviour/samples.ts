/** What hostile requests are made of. */
import type { Fields } from "./wire.ts";

/** Methods that all proxies know. */
const KNOWN = ["GET", "GET", "GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS", "PROPFIND", "MKCOL"];

/** TRACE and what is no known method are refused. */
export const METHODS = [...KNOWN, ...KNOWN, "TRACE", "FOO", "M-SEARCH", "get", "GET!"];

/** Queries that a path check must not look at, and a fragment. */
export const QUERIES = ["?", "?a=b", "?a=//../%2F%zz", "?x?y=%41", "?a#b", "?&&=", "?%00", "?a=/./b", "?'\"<>\\^`{|}"];

/** Hosts near those of arbitrary/values.ts, and far from them. */
export const OTHER_HOSTS = [
  "example.com",
  "x.example.com",
  "y.x.b.example.com",
  "unknown.test",
  "localhost",
  "127.0.0.1",
  "[::1]",
  "x.org",
  "a_b.example.org",
  "xn--bcher-kva.example.com",
  "-.example.com",
  "1",
];

/** What is no host, or hardly. */
export const BAD_HOSTS = [
  "",
  "u@a.example.com",
  "a.example.com/x",
  "a,b.example.com",
  "*.example.com",
  ".example.com",
  "a..example.com",
  "a.example.com..",
  ".",
  "a.example.com:x",
  "a.example.com:80:80",
  "[::1",
  "[::1]x",
  "[zz]",
  "a%2eexample.com",
  "é.example.com",
  ":80",
  "a.example.com:-1",
  "a.example.com:99999",
];

/** Paths that the regular expressions of arbitrary/values.ts match, or nearly. */
export const REGEX_PATHS = [
  "/u/12",
  "/u/123",
  "/u/1234",
  "/u/7/x/y",
  "/u/12/",
  "/abc",
  "/aBc",
  "/a/x",
  "/b/",
  "/b",
  "/x",
  "/xx",
  "/xxx",
  "/xxxx",
  '/$"',
  '/$"ab',
  "/$",
  "/v1/",
  "/v2/x",
  "/v3/",
  "/'x%25",
  "/'x%2525",
  "/''",
];

/** Percent-encodings: allowed, refused, broken. */
export const ENCODED = [
  "%61",
  "%2E",
  "%2e",
  "%2F",
  "%5c",
  "%00",
  "%7E",
  "%24",
  "%C3%A9",
  "%20",
  "%zz",
  "%4",
  "%",
  "%3B",
  "%2d",
];

/** What changes a path's meaning for somebody. */
export const PIECES = [
  "//",
  "/.",
  "/..",
  "/./",
  "/../",
  "/...",
  "/.x",
  "/..x",
  "\\",
  "#",
  ";x",
  "/x;/..",
  "?",
  "<",
  '"',
  "^",
  "|",
  "{",
  "`",
  "é",
];

/** Values that the matchers of random models take, or nearly. */
export const FIELD_VALUES = [
  "",
  "1",
  "123",
  "canary",
  "Canary",
  "ab cd",
  'a"b',
  "it's",
  "x, y",
  "%41",
  "$host",
  "\\1",
  "a\tb",
  "v".repeat(3000),
];

/** Fields that rules change, proxies know, or nobody does. */
export const OTHER_FIELDS: Fields = [
  ["X-Set", "mine"],
  ["X-Set2", "mine too"],
  ["X-Add", "mine"],
  ["x-add2", ""],
  ["X-Gone", "mine"],
  ["X-Gone2", "a, b"],
  ["X-Forwarded-For", "192.0.2.7"],
  ["X-Forwarded-Proto", "https"],
  ["X-Forwarded-Host", "evil.test"],
  ["X-Request-Id", "abc"],
  ["x-envoy-original-path", "/x"],
  ["x-envoy-upstream-rq-timeout-ms", "1"],
  ["x-envoy-expected-rq-timeout-ms", "1"],
  ["x-envoy-external-address", "192.0.2.8"],
  ["x-envoy-internal", "true"],
  ["x-envoy-retry-on", "5xx"],
  ["Cookie", "a=b; c=d"],
  ["Accept-Encoding", "gzip"],
  ["User-Agent", "fuzz"],
  ["Authorization", "Basic eDp5"],
  ["Range", "bytes=0-1"],
  ["If-None-Match", '"e"'],
  ["If-None-Match", "*"],
  ["If-Match", '"e"'],
  ["Upgrade", "websocket"],
  ["Upgrade", "h2c"],
  ["X-Nul", "a\0b"],
  ["If-Modified-Since", "Sat, 21 Nov 2026 00:00:00 GMT"],
  ["x-want-status", "404"],
  ["x-want-status", "502"],
  ["x-want-status", "301"],
  ["x-want-status", "304"],
  ["x-want-status", "204"],
];
