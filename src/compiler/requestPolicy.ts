/** Requests that every proxy refuses before it looks at routes. */

import { BAD_PATH, BAD_TARGET_CHARACTERS, GOOD_HOST, KNOWN_METHODS } from "../ir/index.ts";

const badPath = new RegExp([...BAD_PATH.anywhere, ...BAD_PATH.atEnd.map((end) => `(?:${end})$`)].join("|"));
const badCharacter = new RegExp(`[${BAD_TARGET_CHARACTERS}]`);
const goodHost = new RegExp(`^${GOOD_HOST}$`);
const knownMethods: ReadonlySet<string> = new Set(KNOWN_METHODS);

/** Why a request is refused, or null. */
export function requestProblem(request: {
  readonly method: string;
  readonly host: string;
  readonly path: string;
}): { status: number; reason: string } | null {
  if (!knownMethods.has(request.method)) {
    return { status: 400, reason: "the method is none that every proxy knows" };
  }
  if (!goodHost.test(request.host)) return { status: 400, reason: "the Host header is missing or malformed" };
  const reason = pathProblem(request.path);
  if (reason !== null) return { status: 400, reason };
  if (request.method === "TRACE") return { status: 405, reason: "TRACE is never forwarded" };
  return null;
}

/** `target`: path and query. */
function pathProblem(target: string): string | null {
  if (!target.startsWith("/")) return "the path does not begin with a slash";
  if (target.includes("#")) return "the path has a fragment (`#`), which clients keep to themselves";
  if (badCharacter.test(target)) return "the path has a character that must be percent-encoded";
  return badPath.test(target.split("?", 1)[0] as string)
    ? "the path has `//`, a dot segment, a backslash, a bad `%`, or an encoding that nothing needs"
    : null;
}
