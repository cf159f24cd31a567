/** Values of random models' fields: ordinary ones, those that try to break out, and those at the limits of the schemas. */
import fc from "fast-check";

/** Text that tries to break out of whatever it is written into. */
const NASTY = [
  '"; }',
  "';\n",
  "$host",
  "${dollar}",
  "%[src]",
  "%REQ(:path)%",
  "%%",
  "\\",
  "\\1",
  '"',
  "'",
  "#",
  "{{x}}",
  "`id`",
  " -m reg .* ",
  "é",
  "\t",
];

/** One value in a dozen is an extreme one: they are long, and models are many. */
function rarely(usual: fc.Arbitrary<string>, extreme: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.oneof({ weight: 11, arbitrary: usual }, { weight: 1, arbitrary: extreme });
}

/** So many characters, and no percent-encoding broken. */
function cut(text: string, size: number): string {
  return text.slice(0, size).replace(/%.?$|\/$/, "");
}

/** A limit, or a little less. */
function nearly(limit: number): fc.Arbitrary<number> {
  return fc.integer({ min: limit - 40, max: limit });
}

const printable = fc.string({
  unit: fc.constantFrom(..."abcXYZ019 \"'\\$%#{};()[]|*+?.,:/=-_~`<>&!@^"),
  minLength: 1,
  maxLength: 40,
});
const ascii = fc.oneof(printable, fc.constantFrom(...NASTY.filter((text) => /^[\x20-\x7e]+$/.test(text))));

/** A value of a header field, mostly short. */
export const headerValue = rarely(
  ascii.map((text) => text.trim()).filter((text) => text !== ""),
  fc.tuple(fc.constantFrom("a", '"', "\\", "$", "%", "'"), nearly(1024)).map(([unit, count]) => unit.repeat(count)),
);

/** A body of a direct response. Its limit counts characters, those of the proxies bytes. */
export const bodyText = rarely(
  fc.array(fc.oneof(printable, fc.constantFrom(...NASTY)), { maxLength: 8 }).map((parts) => parts.join("")),
  fc
    .tuple(fc.constantFrom("a", '"', "\\", "$", "%", "\n", "é", "€", "😀"), nearly(4096))
    .map(([unit, count]) => unit.repeat(count)),
);

/** Field names that mean something to HTTP or to a proxy, and others; not all may be changed or matched. */
export const FIELD_NAMES = [
  ...["Accept", "Accept-Charset", "Accept-Encoding", "Accept-Language", "Accept-Ranges", "Age", "Allow", "Alt-Svc"],
  ...[
    "Access-Control-Allow-Origin",
    "Authority",
    "Authorization",
    "Cache-Control",
    "Connection",
    "Content-Disposition",
  ],
  ...["Content-Encoding", "Content-Language", "Content-Length", "Content-Location", "Content-Range", "Content-Type"],
  ...["Cookie", "Date", "Early-Data", "ETag", "Expect", "Expires", "Forwarded", "From", "Grpc-Status", "Grpc-Timeout"],
  ...["Host", "HTTP2-Settings", "If-Match", "If-Modified-Since", "If-None-Match", "If-Range", "If-Unmodified-Since"],
  ...["Keep-Alive", "Last-Modified", "Link", "Location", "Max-Forwards", "Method", "Origin", "Path", "Pragma"],
  ...["Priority", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "Range", "Referer", "Refresh"],
  ...["Retry-After", "Scheme", "Sec-WebSocket-Key", "Sec-WebSocket-Protocol", "Server", "Set-Cookie", "Status"],
  ...["Strict-Transport-Security", "TE", "Trailer", "Transfer-Encoding", "Upgrade", "User-Agent", "Vary", "Via"],
  ...["Warning", "WWW-Authenticate", "X-Accel-Buffering", "X-Accel-Expires", "X-Accel-Redirect", "X-Client-Trace-Id"],
  ...["X-Envoy-Internal", "X-Envoy-Original-Path", "X-Forwarded-Client-Cert", "X-Forwarded-For", "X-Forwarded-Host"],
  ...["X-Forwarded-Port", "X-Forwarded-Proto", "X-Powered-By", "X-Real-IP", "X-Request-Id", "traceparent"],
] as const;

/**
 * Names that matches may have besides. Not those on which proxies answer by themselves, nor Referer, which Envoy takes off a
 * request when it is no URL (docs/decisions/0011): the fuzz would send what matches.
 */
const MATCHED_NAMES = FIELD_NAMES.filter((name) => !name.startsWith("If-") && name !== "Referer");

/** The name of a field to match. */
export const matchedName = mostly(["X-Env", "x-version", "X-User", "Accept-Language", "x-a"], MATCHED_NAMES);

/** The name of a field to change: mostly one that nothing but rules looks at. */
export function changedName(...own: string[]): fc.Arbitrary<string> {
  return mostly(own, [...FIELD_NAMES, `X-${"n".repeat(125)}`]);
}

function mostly(usual: readonly string[], other: readonly string[]): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...usual) },
    { weight: 1, arbitrary: fc.constantFrom(...other) },
  );
}

/** Addresses near to each other: spellings of one, those that mean all of a machine's, and those that proxies cannot use. */
export const address = fc.oneof(
  fc.constantFrom("127.0.0.1", "127.0.0.1", "10.1.2.3", "0.0.0.0", "255.255.255.255"),
  fc.constantFrom("::1", "0:0:0:0:0:0:0:1", "0::1", "::0001", "::", "0:0:0:0:0:0:0:0"),
  fc.constantFrom("2001:db8::a", "2001:DB8:0:0::A", "fe80::1", "fe80::1%lo", "::127.0.0.1", "64:ff9b::1.2.3.4"),
  fc.constantFrom("::ffff:127.0.0.1", "::FFFF:7f00:1", "::ffff:0:0"),
  fc.ipV4(),
  fc.ipV6(),
);

/** An address to listen on, in some spelling. */
export const bindAddress = fc.constantFrom(
  ...["127.0.0.11", "127.0.0.12", "127.0.0.13", "0.0.0.0", "::", "0:0:0:0:0:0:0:0"],
  ...["::1", "0::1", "0:0:0:0:0:0:0:1", "2001:db8::a", "2001:DB8:0:0::A"],
);

const segment = fc.constantFrom(
  "a",
  "b",
  "api",
  "v1",
  "A",
  "~x",
  "a.b",
  "c;d",
  "e=f",
  "%20",
  "$",
  "'",
  "(x)",
  "*",
  "@",
  "!",
);
/** A path as rules name it. */
export const path = rarely(
  fc.array(segment, { maxLength: 4 }).map((parts) => `/${parts.join("/")}`),
  fc
    .tuple(fc.constantFrom("a", "$", "'", "%20", "/b"), nearly(1024))
    .map(([unit, size]) => cut(`/x${unit.repeat(size)}`, size)),
);
/** An expression for paths. */
export const regex = fc.constantFrom(
  "/u/[0-9]+",
  "/u/\\d{1,3}(?:/.*)?",
  "/[a-z]+",
  "/(a|b)/.*",
  "/x{2,3}",
  '/\\$"[^;}]*',
  "/a b\\{\\}",
  ".*",
  "/v[12]/#?.*",
  "/'.*%",
  `/${"[a-z]".repeat(102)}`,
);
/** A value of a query parameter: what a request line can hold, text that tries to break out among it. */
export const queryValue = fc.constantFrom("1", "yes", "Yes", "a=b", "\"$x'", "%20", "\\1;{}", "v".repeat(1000));

/** A value of a cookie. */
export const cookieValue = fc.constantFrom("1", "yes", "Yes", "a=b", "$x'{}", "%20", "#&|", "v".repeat(1000));

/** An expression for the values of fields. */
export const valueRegex = fc.constantFrom("[0-9]+", "can.*", "\\w+ \\w+", 'a"b', ".*'.*");
/** A hostname of a route. */
export const hostname = fc.constantFrom(
  "a.example.com",
  "b.example.com",
  "*.example.com",
  "*.b.example.com",
  "Example.org",
  "_x.example.org",
  "*.org",
  `${`${"l".repeat(63)}.`.repeat(3)}${"l".repeat(49)}.example.com`,
);
/** A type of an answer with a body. */
export const contentType = fc.constantFrom(
  "application/json",
  "text/html; charset=utf-8",
  `application/${"x".repeat(115)}`,
);
/** A length of time. */
export const duration = fc.constantFrom("1ms", "250ms", "3s", "1m30s", "24h");

/** Ranges of which clients on loopback can come, in each other, and others. */
export const GEO_RANGES = [
  "127.0.0.2/32",
  "127.0.0.8/30",
  "127.0.0.0/16",
  "127.0.0.0/8",
  "10.0.0.0/8",
  "2001:db8::/32",
  "::/0",
];

/** Entries of a geo table: each of its two labels is there. */
export const geoEntries = fc
  .tuple(fc.shuffledSubarray(GEO_RANGES, { minLength: 2 }), fc.array(fc.boolean(), { minLength: 7, maxLength: 7 }))
  .map(([ranges, isNear]) =>
    ranges.map((cidr, index) => ({
      cidr,
      label: (index < 2 ? index === 0 : isNear[index]) ? "near" : "far.off",
    })),
  );
