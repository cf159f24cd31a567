/** Content hashes: the versions, ETags and ids of the whole program. */
import { createHash, type Hash } from "node:crypto";
import { piecesOf } from "./pieces.ts";
import type { Steps } from "./steps.ts";

/** 64 bits: at 100 000 resources a collision by chance has a probability of about 3e-10. */
const HASH_HEX_DIGITS = 16;

/** 16 hex digits of the SHA-256 of the parts, each framed by its length so that no two lists of parts hash alike. */
export function contentHash(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) {
    hash.update(`${part.length}:`);
    hash.update(part);
  }
  return hash.digest("hex").slice(0, HASH_HEX_DIGITS);
}

/** `contentHash` of one text, in steps: ETags of answers of megabytes. */
export function* contentHashSteps(text: string): Steps<string> {
  const hash = createHash("sha256").update(`${text.length}:`);
  yield* hashSteps(hash, text);
  return hash.digest("hex").slice(0, HASH_HEX_DIGITS);
}

/**
 * A small hash (FNV-1a, its high half mixed in, so that ids numbered in a row fall evenly), from 0 up. For where runs of items
 * begin, which is asked for every item of every list: a content hash costs too much there.
 */
export function spreadHash(id: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < id.length; index++) hash = Math.imul(hash ^ id.charCodeAt(index), 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}

/** UTF-16 units that are hashed between two yields: a quarter of a millisecond. */
const UNITS_PER_STEP = 256 * 1024;

/** Adds a text to a hash, piece by piece: what `hash.update(text)` does. */
export function* hashSteps(hash: Hash, text: string): Steps<void> {
  for (const piece of piecesOf(text, UNITS_PER_STEP)) {
    hash.update(piece);
    yield;
  }
}

/** JSON with the keys of every object in ascending order: equal values give equal text. Undefined members are left out. */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (Array.isArray(value)) {
    let list = "";
    for (const item of value) list += `${list === "" ? "" : ","}${item === undefined ? "null" : canonicalJson(item)}`;
    return `[${list}]`;
  }
  const source = value as Record<string, unknown>;
  let members = "";
  for (const key of sortedKeys(source)) {
    if (source[key] === undefined) continue;
    members += `${members === "" ? "" : ","}${JSON.stringify(key)}:${canonicalJson(source[key])}`;
  }
  return `{${members}}`;
}

/** Most documents are written in a few orders of few keys: sorting is skipped when they stand right. */
function sortedKeys(source: Record<string, unknown>): string[] {
  const keys = Object.keys(source);
  for (let index = 1; index < keys.length; index++) {
    if ((keys[index - 1] as string) > (keys[index] as string)) return keys.sort();
  }
  return keys;
}
