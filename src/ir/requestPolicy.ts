/** Requests that every proxy refuses before it looks at rules, and the proxies' own answers: as data, once for all targets. */

/** Methods that are known: those of Envoy's parser without CONNECT. Others are answered 400. TRACE is known and answered 405. */
export const KNOWN_METHODS: readonly string[] = (
  "ACL BIND CHECKOUT COPY DELETE GET HEAD LINK LOCK MERGE MKACTIVITY MKCALENDAR MKCOL MOVE MSEARCH NOTIFY OPTIONS " +
  "PATCH POST PROPFIND PROPPATCH PURGE PUT REBIND REPORT SEARCH SOURCE SUBSCRIBE TRACE UNBIND UNLINK UNLOCK UNSUBSCRIBE"
).split(" ");

/**
 * Host header that is not refused, as a full match in the syntax that RE2 and PCRE2 share: a name or IPv4 address without empty
 * labels, or an IPv6 address in brackets, perhaps a dot and a port.
 */
export const GOOD_HOST = "(?:[A-Za-z0-9_-]+(?:\\.[A-Za-z0-9_-]+)*\\.?|\\[[0-9A-Fa-f:.]+\\])(?::[0-9]*)?";

/**
 * Two hex digits behind a `%` that are refused: NUL, `/`, `\`, and the unreserved characters of RFC 3986 (letters, digits, `-`,
 * `.`, `_`, `~`), which need no encoding and would slip past a rule for the plain form.
 */
export const REFUSED_ESCAPES = "(?:00|2[dDeEfF]|3[0-9]|4[1-9a-fA-F]|5[0-9aAcCfF]|6[1-9a-fA-F]|7[0-9aAeE])";

/** What a raw path must not have, as regular expressions in the shared syntax: anywhere in it, or at its end. */
export const BAD_PATH = {
  anywhere: ["//", "\\\\", "#", `%${REFUSED_ESCAPES}`, "/\\.{1,2}/", "%[^0-9a-fA-F]", "%[0-9a-fA-F][^0-9a-fA-F]"],
  atEnd: ["/\\.{1,2}", "%[0-9a-fA-F]?"],
} as const;

/** Characters that no request target has unencoded (a class without its brackets): everything but visible ASCII. */
export const BAD_TARGET_CHARACTERS = "^\\x21-\\x7e";

/** Characters that no field has in which rules look (a class without its brackets): all control characters but the tab. */
export const BAD_FIELD_CHARACTERS = "\\x00-\\x08\\x0a-\\x1f\\x7f";

/**
 * A Cookie field that is refused where rules look at it, as a search: a blank before a semicolon, which RFC 6265 does not allow, and
 * which some servers take for a part of the value and others do not.
 */
export const BAD_COOKIE = "[^ \\t][ \\t]+;";

/**
 * A Connection field that is refused, as a search for it in its value, with regard to no case: it names fields that say where a
 * request goes or comes from, or more than Envoy looks at, which refuses both itself. What else it names is not there: for rules
 * neither, nor for the endpoint as far as rules look at it (RFC 9110, 7.6.1).
 */
export const BAD_CONNECTION =
  "(?:^|,)[ \\t]*(?:(?:host|x-forwarded-(?:for|host|proto))[ \\t]*(?:,|$)|:)|^,*(?:[^,]+(?:,+|$)){10}";

/** Bodies of the answers that the proxy itself makes; the same on every proxy. */
export const REASON_BODIES: Readonly<Record<number, string>> = {
  400: "400 Bad Request\n",
  403: "403 Forbidden\n",
  404: "404 Not Found\n",
  405: "405 Method Not Allowed\n",
  408: "408 Request Timeout\n",
  413: "413 Payload Too Large\n",
  426: "426 Upgrade Required\n",
  429: "429 Too Many Requests\n",
  431: "431 Request Header Fields Too Large\n",
  500: "500 Internal Server Error\n",
  501: "501 Not Implemented\n",
  502: "502 Bad Gateway\n",
  503: "503 Service Unavailable\n",
  504: "504 Gateway Timeout\n",
};
