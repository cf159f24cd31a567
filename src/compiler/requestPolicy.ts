/** Requests that every proxy refuses before it looks at routes. */

/** Path policy `reject` (l7.md 4.2), on the raw path. */
const BAD_PATH = new RegExp(
  [
    /\/\/|\\|%(?:2[fF]|5[cC]|00)/,
    // Dot segments, also encoded.
    /\/(?:\.|%2[eE]){1,2}(?:\/|$)/,
    // A `%` without two hex digits.
    /%(?:[^0-9a-fA-F]|[0-9a-fA-F][^0-9a-fA-F]|[0-9a-fA-F]?$)/,
    // Letters, digits, `-` and `_`, which need no encoding.
    /%(?:4[1-9A-Fa-f]|5[0-9AaFf]|6[1-9A-Fa-f]|7[0-9Aa]|3[0-9]|2[dD])/,
  ]
    .map(({ source }) => source)
    .join("|"),
);
/** What no URI contains unencoded. */
const BAD_CHARACTER = /[^\x21-\x7e]/;
/** Labels are not empty: nginx itself refuses `a..b`. */
const GOOD_HOST = /^(?:[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?$/;

/** Methods that Envoy's parser takes, without CONNECT; it answers 400 to others. The templates of nginx and HAProxy have this list too. */
export const KNOWN_METHODS: ReadonlySet<string> = new Set(
  (
    "ACL BIND CHECKOUT COPY DELETE GET HEAD LINK LOCK MERGE MKACTIVITY MKCALENDAR MKCOL MOVE MSEARCH NOTIFY OPTIONS " +
    "PATCH POST PROPFIND PROPPATCH PURGE PUT REBIND REPORT SEARCH SOURCE SUBSCRIBE TRACE UNBIND UNLINK UNLOCK UNSUBSCRIBE"
  ).split(" "),
);

/** Why a request is refused, or null. */
export function requestProblem(request: {
  readonly method: string;
  readonly host: string;
  readonly path: string;
}): { status: number; reason: string } | null {
  if (!KNOWN_METHODS.has(request.method)) {
    return { status: 400, reason: "the method is none that every proxy knows" };
  }
  if (!GOOD_HOST.test(request.host)) return { status: 400, reason: "the Host header is missing or malformed" };
  const reason = pathProblem(request.path);
  if (reason !== null) return { status: 400, reason };
  if (request.method === "TRACE") return { status: 405, reason: "TRACE is never forwarded" };
  return null;
}

/** `target`: path and query. */
function pathProblem(target: string): string | null {
  if (!target.startsWith("/")) return "the path does not begin with a slash";
  if (target.includes("#")) return "the path has a fragment (`#`), which clients keep to themselves";
  if (BAD_CHARACTER.test(target)) return "the path has a character that must be percent-encoded";
  return BAD_PATH.test(target.split("?", 1)[0] as string)
    ? "the path has `//`, a dot segment, a backslash, a bad `%`, or an encoding that nothing needs"
    : null;
}
