/**
 * What a node that comes back says it has, as one sum. Clients name their versions in any order (most keep them in a hash table), so
 * the sum must not depend on it; and the bytes need not be read as names and versions when the sum is the one that was expected.
 */
import type { XdsResource } from "./types.ts";

/** How many entries of `initial_resource_versions`, and 64 bits over all of them. */
export interface VersionSum {
  readonly count: number;
  readonly low: number;
  readonly high: number;
}

/** Tag bytes: of an entry in the request, and of the name and the version in it. */
const ENTRY_TAG = 0x2a;
const NAME_TAG = 0x0a;
const VERSION_TAG = 0x12;
/** Most bytes of a tag and a length, and of a character. */
const HEAD_BYTES = 6;
const CHAR_BYTES = 3;

/**
 * The sum of entries as they stand in a request, adjacent and each with its tag: `decodeVersionsSteps` of the same bytes would read them.
 * Each entry is mixed over two lanes and then spread: names and versions differ in few bytes, and what is added must not.
 */
export function sumOfEntries(raw: Buffer): VersionSum {
  const words = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  let count = 0;
  let low = 0;
  let high = 0;
  for (let at = 0; at < raw.length; ) {
    let length = raw[at + 1]!;
    at += 2;
    // The length is a varint, nearly always of one byte.
    for (let shift = 7; raw[at - 1]! >= 0x80; shift += 7) length += (raw[at++]! - 1) * 2 ** shift;
    const end = Math.min(at + length, raw.length);
    let one = 0x9e3779b9 ^ length;
    let two = 0x85ebca6b;
    for (; at + 4 <= end; at += 4) {
      const word = words.getInt32(at, true);
      one = Math.imul(one ^ word, 0x9e3779b1);
      one ^= one >>> 15;
      two = Math.imul((two + word) | 0, 0x2c1b3c6d);
      two ^= two >>> 13;
    }
    for (; at < end; at++) {
      one = Math.imul(one ^ raw[at]!, 0x9e3779b1);
      one ^= one >>> 15;
      two = Math.imul((two + raw[at]!) | 0, 0x2c1b3c6d);
      two ^= two >>> 13;
    }
    one = spread(one ^ (two >>> 3));
    two = spread(two ^ one);
    count += 1;
    low = (low + one) | 0;
    high = (high + two) | 0;
  }
  return { count, low, high };
}

/** The sum of the entries of a node that has just these. */
export function sumOfResources(resources: readonly XdsResource[]): VersionSum {
  let most = 0;
  for (const { name, version } of resources) most += 3 * HEAD_BYTES + CHAR_BYTES * (name.length + version.length);
  const raw = Buffer.allocUnsafe(most);
  let at = 0;
  for (const { name, version } of resources) {
    const [nameBytes, versionBytes] = [Buffer.byteLength(name), Buffer.byteLength(version)];
    const length = 2 + lengthBytes(nameBytes) + nameBytes + lengthBytes(versionBytes) + versionBytes;
    at = writeHead(raw, { tag: ENTRY_TAG, length, at });
    at = writeHead(raw, { tag: NAME_TAG, length: nameBytes, at });
    at += raw.write(name, at);
    at = writeHead(raw, { tag: VERSION_TAG, length: versionBytes, at });
    at += raw.write(version, at);
  }
  return sumOfEntries(raw.subarray(0, at));
}

/** True when both are of the same entries. A node whose entries only look so deceives itself alone. */
export function isSameSum(one: VersionSum, other: VersionSum): boolean {
  return one.count === other.count && one.low === other.low && one.high === other.high;
}

function lengthBytes(length: number): number {
  let bytes = 1;
  for (let rest = length; rest >= 0x80; rest >>>= 7) bytes += 1;
  return bytes;
}

/** Writes a tag and a length; gives where they end. */
function writeHead(into: Buffer, { tag, length, at }: { tag: number; length: number; at: number }): number {
  let end = at;
  into[end++] = tag;
  let rest = length;
  for (; rest >= 0x80; rest >>>= 7) into[end++] = (rest & 0x7f) | 0x80;
  into[end++] = rest;
  return end;
}

function spread(value: number): number {
  const once = Math.imul(value ^ (value >>> 16), 0x7feb352d);
  const twice = Math.imul(once ^ (once >>> 15), 0x846ca68b);
  return twice ^ (twice >>> 16);
}
