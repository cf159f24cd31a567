/** Preconditions and entity tags (RFC 9110, 8.8.3 and 13). */
import type { FastifyReply, FastifyRequest } from "fastify";
import { Problem } from "./problem.ts";

/** Conditions of one request. Null: the header is not there. */
export interface Conditions {
  readonly ifMatch: "*" | readonly Tag[] | null;
  readonly ifNoneMatch: "*" | readonly Tag[] | null;
}

interface Tag {
  readonly weak: boolean;
  /** With its quotes. */
  readonly tag: string;
}

/** One element of a list and the comma behind it; an element may be empty (RFC 9110, 5.6.1), and a tag may hold commas. */
const ELEMENT = /[ \t]*(?:(W\/)?("[\x21\x23-\x7e\x80-\xff]*"))?[ \t]*(?:,|$)/y;

/** Tags of one header: enough for every revision a client may still hold. */
const MAX_TAGS = 64;

/** Throws API-BAD-HEADER when a header is no list of entity tags: comparing it with anything would only say 412, and mislead. */
export function readConditions(request: FastifyRequest): Conditions {
  return {
    ifMatch: parse("If-Match", request.headers["if-match"]),
    ifNoneMatch: parse("If-None-Match", request.headers["if-none-match"]),
  };
}

function parse(name: string, header: string | undefined): "*" | readonly Tag[] | null {
  if (header === undefined) return null;
  if (header.trim() === "*") return "*";
  const tags: Tag[] = [];
  let at = 0;
  while (at < header.length) {
    ELEMENT.lastIndex = at;
    const [element, weak, tag] = ELEMENT.exec(header) ?? [];
    if (element === undefined) break;
    if (tag !== undefined) tags.push({ weak: weak !== undefined, tag });
    at += element.length;
  }
  // A list of nothing is what a script sends that read no ETag: to say 412 would mislead.
  if (at < header.length || tags.length === 0 || tags.length > MAX_TAGS) {
    throw new Problem("API-BAD-HEADER", `${name} must be * or at most ${MAX_TAGS} entity tags in double quotes`);
  }
  return tags;
}

/**
 * Whether a write may go on. `current` are the tags of the target's present representations; null: there is no such target.
 * The answer is a problem, or null.
 */
export function checkConditions(
  { ifMatch, ifNoneMatch }: Conditions,
  current: readonly string[] | null,
): Problem | null {
  if (
    ifMatch !== null &&
    !(current !== null && (ifMatch === "*" || ifMatch.some(({ weak, tag }) => !weak && current.includes(tag))))
  ) {
    const now = current === null ? "it does not exist" : `its ETag is ${current[0]}`;
    return new Problem("API-PRECONDITION-FAILED", `If-Match does not hold: ${now}`);
  }
  if (current !== null && hits(ifNoneMatch, current)) {
    return new Problem("API-PRECONDITION-FAILED", `If-None-Match does not hold: it exists, its ETag is ${current[0]}`);
  }
  return null;
}

function hits(list: Conditions["ifNoneMatch"], current: readonly string[]): boolean {
  return list !== null && (list === "*" || list.some(({ tag }) => current.includes(tag)));
}

/** `abc` -> `"abc"`. */
export function etagOf(version: string | number): string {
  return `"${version}"`;
}

/** Whether the client of a GET has this representation already (RFC 9110, 13.1.2). */
export function hasAlready(request: FastifyRequest, etag: string): boolean {
  return hits(readConditions(request).ifNoneMatch, [etag]);
}

/** Sets the ETag; when the client has it already, answers 304 and says so. For GET only; saves making the answer. */
export function answeredNotModified(request: FastifyRequest, reply: FastifyReply, etag: string): boolean {
  reply.header("etag", etag);
  if (!hasAlready(request, etag)) return false;
  reply.code(304).send();
  return true;
}
