/** JSON bodies, strictly: UTF-8, no key twice, and what is wrong is told with its place. */
import type { FastifyInstance, FastifyRequest } from "fastify";
import { inSlices, type Pace } from "../util/slices.ts";
import { type Steps, shouldYield } from "../util/steps.ts";
import { findFault, placeOf } from "./jsonFault.ts";
import { BYTES_PER_STEP, MAX_JSON_DEPTH, NODES_PER_STEP } from "./limits.ts";
import { Problem } from "./problem.ts";

/** Lets the scope take JSON bodies of a media type. */
export function takeJson(app: FastifyInstance, type: string, pace: Pace | undefined): void {
  app.addContentTypeParser(type, { parseAs: "buffer" }, async ({ headers }: FastifyRequest, bytes: Buffer) => {
    requireUtf8(headers["content-type"]);
    return parseJson(bytes, pace);
  });
}

/** The value of a body. Throws API-BAD-REQUEST with line and column. */
export async function parseJson(bytes: Buffer, pace?: Pace): Promise<unknown> {
  const text = await inSlices(decodeUtf8(bytes), pace);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw (await inSlices(faultIn(text), pace)) ?? new Problem("API-BAD-REQUEST", (error as Error).message);
  }
  const keys = await inSlices(countKeys(value), pace);
  if (keys === null) throw new Problem("API-BAD-REQUEST", `the body nests deeper than ${MAX_JSON_DEPTH} levels`);
  // JSON.parse keeps the last of equal keys: then there are more colons than keys.
  const twice = (await inSlices(countColons(bytes), pace)) === keys ? null : await inSlices(faultIn(text), pace);
  if (twice !== null) throw twice;
  return value;
}

/** The text, without a byte-order mark. Throws API-BAD-REQUEST at the first byte that is no UTF-8. */
export function* decodeUtf8(bytes: Buffer): Steps<string> {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    const text = bytes.toString("utf8");
    throw yield* broken(text, { at: yield* invalidAt(bytes, text), what: "a byte that is no UTF-8" });
  }
}

/** Throws API-UNSUPPORTED-MEDIA-TYPE when Content-Type names another character set than UTF-8. */
export function requireUtf8(contentType: string | undefined): void {
  const charset = /;\s*charset\s*=\s*"?([^\s";]*)/i.exec(contentType ?? "")?.[1];
  if (charset === undefined || /^utf-?8$/i.test(charset)) return;
  throw new Problem("API-UNSUPPORTED-MEDIA-TYPE", `bodies are taken in UTF-8, not in ${charset}`);
}

/** Where decoding put a U+FFFD that the bytes do not have. */
function* invalidAt(bytes: Buffer, text: string): Steps<number> {
  let offset = 0;
  let from = 0;
  for (let sent = 0; ; sent++) {
    if (shouldYield(sent)) yield;
    const at = text.indexOf("\ufffd", from);
    offset += Buffer.byteLength(text.slice(from, at));
    if (at < 0 || bytes.subarray(offset, offset + 3).toString("latin1") !== "\xef\xbf\xbd") return Math.max(at, 0);
    offset += 3;
    from = at + 1;
  }
}

function* faultIn(text: string): Steps<Problem | null> {
  const fault = yield* findFault(text);
  return fault === null ? null : yield* broken(text, fault);
}

function* broken(text: string, { at, what }: { readonly at: number; readonly what: string }): Steps<Problem> {
  const { line, column } = yield* placeOf(text, at);
  return new Problem("API-BAD-REQUEST", `the body breaks at line ${line}, column ${column}: ${what}`);
}

/** Keys of all objects, level by level; null when there are more than MAX_JSON_DEPTH levels. */
function* countKeys(value: unknown): Steps<number | null> {
  let keys = 0;
  let level = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_JSON_DEPTH) return null;
    const below: unknown[] = [];
    for (let from = 0; from < level.length; from += NODES_PER_STEP) {
      keys += keysOf(level.slice(from, from + NODES_PER_STEP), below);
      yield;
    }
    level = below;
  }
  return keys;
}

/** Keys of these alone; what may have more is put into `below`. */
function keysOf(nodes: readonly unknown[], below: unknown[]): number {
  let keys = 0;
  for (const node of nodes) {
    if (node === null || typeof node !== "object") continue;
    if (Array.isArray(node)) {
      for (const child of node) if (typeof child === "object") below.push(child);
      continue;
    }
    // Half the time of Object.values; what JSON.parse makes inherits no keys.
    for (const key in node) {
      keys++;
      const child = (node as Record<string, unknown>)[key];
      if (typeof child === "object") below.push(child);
    }
  }
  return keys;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;

/** Colons outside strings, of well-formed JSON. In UTF-8 no byte of another character looks like one of these. */
function* countColons(bytes: Uint8Array): Steps<number> {
  const place = { at: 0, inString: false };
  let colons = 0;
  while (place.at < bytes.length) {
    colons += colonsUpTo(bytes, place);
    yield;
  }
  return colons;
}

/** Those of the next BYTES_PER_STEP; moves the place. */
function colonsUpTo(bytes: Uint8Array, place: { at: number; inString: boolean }): number {
  const end = Math.min(place.at + BYTES_PER_STEP, bytes.length);
  let { at, inString } = place;
  let colons = 0;
  for (; at < end; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) inString = !inString;
    else if (inString) {
      if (byte === BACKSLASH) at++;
    } else if (byte === COLON) colons++;
  }
  place.at = at;
  place.inString = inString;
  return colons;
}
