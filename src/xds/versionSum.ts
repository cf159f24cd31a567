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

/** Tag bytes of the name and the version in an entry. */
const NAME_TAG = 0x0a;
const VERSION_TAG = 0x12;
/** Most bytes of a tag and a length. */
const FIELD_HEAD_BYTES = 6;

/** The sum of entries as they stand in a request, adjacent and each with its tag: `decodeVersions` of the same bytes would read them. */
export function sumOfEntries(raw: Buffer): VersionSum {
  const sum = { count: 0, low: 0, high: 0 };
  const words = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  for (let at = 0; at < raw.length; ) {
    at += 1;
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = raw[at++]!;
      length += (byte & 0x7f) * 2 ** shift;
      if (!(byte >= 0x80)) break;
    }
    add(sum, words, { start: at, end: Math.min(at + length, raw.length) });
    at += length;
  }
  return sum;
}

/** The sum of the entries of a node that has just these. */
export function sumOfResources(resources: Iterable<XdsResource>): VersionSum {
  const sum = { count: 0, low: 0, high: 0 };
  let entry = Buffer.alloc(0);
  for (const { name, version } of resources) {
    const most = 2 * FIELD_HEAD_BYTES + 3 * (name.length + version.length);
    if (most > entry.length) entry = Buffer.alloc(most);
    const end = writeField(entry, {
      tag: VERSION_TAG,
      value: version,
      at: writeField(entry, { tag: NAME_TAG, value: name, at: 0 }),
    });
    add(sum, new DataView(entry.buffer, entry.byteOffset), { start: 0, end });
  }
  return sum;
}

/** True when both are of the same entries. A node whose entries only look so deceives itself alone. */
export function isSameSum(one: VersionSum, other: VersionSum): boolean {
  return one.count === other.count && one.low === other.low && one.high === other.high;
}

/** Writes a text field; gives where it ends. */
function writeField(into: Buffer, { tag, value, at }: { tag: number; value: string; at: number }): number {
  let end = at;
  into[end++] = tag;
  let rest = Buffer.byteLength(value);
  for (; rest >= 0x80; rest >>>= 7) into[end++] = (rest & 0x7f) | 0x80;
  into[end++] = rest;
  return end + into.write(value, end);
}

/** Multiply and rotate with an avalanche: names and versions differ in few bytes, and the sum must not. Words, because bytes take long. */
function add(
  sum: { count: number; low: number; high: number },
  words: DataView,
  { start, end }: { start: number; end: number },
): void {
  let low = 0x9e3779b9 ^ (end - start);
  let high = 0x85ebca6b;
  let at = start;
  for (; at + 4 <= end; at += 4) {
    const word = words.getInt32(at, true);
    low = turned(Math.imul(low ^ word, 0x9e3779b1), 13);
    high = turned(Math.imul(high ^ word, 0x2c1b3c6d), 17);
  }
  for (; at < end; at++) {
    low = turned(Math.imul(low ^ words.getUint8(at), 0x9e3779b1), 13);
    high = turned(Math.imul(high ^ words.getUint8(at), 0x2c1b3c6d), 17);
  }
  low = avalanche(low ^ (high >>> 3));
  sum.count += 1;
  sum.low = (sum.low + low) >>> 0;
  sum.high = (sum.high + avalanche(high ^ low)) >>> 0;
}

function turned(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

function avalanche(value: number): number {
  const once = Math.imul(value ^ (value >>> 16), 0x7feb352d);
  const twice = Math.imul(once ^ (once >>> 15), 0x846ca68b);
  return twice ^ (twice >>> 16);
}
