/** Requests that every proxy refuses before it looks at routes. */

import {
  BAD_CONNECTION,
  BAD_COOKIE,
  BAD_FIELD_CHARACTERS,
  BAD_PATH,
  BAD_TARGET_CHARACTERS,
  fieldsReadBy,
  GOOD_HOST,
  KNOWN_METHODS,
  type RuleIr,
} from "../ir/index.ts";

const badPath = new RegExp([...BAD_PATH.anywhere, ...BAD_PATH.atEnd.map((end) => `(?:${end})$`)].join("|"));
const badCharacter = new RegExp(`[${BAD_TARGET_CHARACTERS}]`);
const badConnection = new RegExp(BAD_CONNECTION, "i");
const badCookie = new RegExp(BAD_COOKIE);
const badFieldCharacter = new RegExp(`[${BAD_FIELD_CHARACTERS}]`);
const goodHost = new RegExp(`^${GOOD_HOST}$`);
const knownMethods: ReadonlySet<string> = new Set(KNOWN_METHODS);

type Fields = readonly (readonly [string, string])[];

/** Why a request is refused, or null. */
export function requestProblem(request: {
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly headers?: Fields;
}): { status: number; reason: string } | null {
  if (!knownMethods.has(request.method)) {
    return { status: 400, reason: "the method is none that every proxy knows" };
  }
  if (!goodHost.test(request.host)) return { status: 400, reason: "the Host header is missing or malformed" };
  const reason = pathProblem(request.path);
  if (reason !== null) return { status: 400, reason };
  const fault = fieldProblem(request.headers ?? []);
  if (fault !== null) return { status: 400, reason: fault };
  if (request.method === "TRACE") return { status: 405, reason: "TRACE is never forwarded" };
  return null;
}

function fieldProblem(headers: Fields): string | null {
  for (const [name, value] of headers) {
    if (badFieldCharacter.test(value)) return `the field ${name} has a control character`;
    if (name.toLowerCase() === "connection" && badConnection.test(value)) {
      return "Connection names a field that says where a request goes or comes from, or more than nine";
    }
  }
  return null;
}

/** What is refused only where rules look at cookies, or null. */
export function cookieProblem(rules: readonly RuleIr[], headers: Fields): { status: number; reason: string } | null {
  const isBad = headers.some(([name, value]) => name.toLowerCase() === "cookie" && badCookie.test(trimmed(value)));
  if (!isBad || !fieldsReadBy(rules).includes("cookie")) return null;
  return { status: 400, reason: "Cookie has a blank before a semicolon" };
}

/** The fields of a request as rules see them: without blanks at their ends, and without those that Connection names. */
export function seenFields(headers: Fields): Fields {
  const connections = headers.filter(([name]) => name.toLowerCase() === "connection");
  const named = new Set(
    connections.flatMap(([, value]) => value.split(",").map((token) => trimmed(token).toLowerCase())),
  );
  return headers.flatMap(([name, value]) => (named.has(name.toLowerCase()) ? [] : [[name, trimmed(value)] as const]));
}

function trimmed(value: string): string {
  return value.replace(/^[ \t]+|[ \t]+$/g, "");
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
