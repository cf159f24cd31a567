/**
 * A minimal protobuf writer for the one message that a fleet has by the ten thousand, Route: it writes what protobuf-es
 * would, without the reflection. Fields are written in ascending order by the caller; tests compare with protobuf-es.
 */

/** Room for the largest routes (a 4 kB body, 64 header settings) without growing. */
const INITIAL_BYTES = 1 << 16;
/** Above this length the native encoder is faster than a loop over characters. */
const LOOP_MAX_CHARACTERS = 48;

const LENGTH_DELIMITED = 2;

/** A growing buffer. `length` bytes of `bytes` are written; take them with `takeBytes`. */
export interface Writer {
  bytes: Buffer;
  length: number;
}

/** An empty writer. */
export function createWriter(): Writer {
  return { bytes: Buffer.allocUnsafe(INITIAL_BYTES), length: 0 };
}

/** A copy of what was written; the writer is empty again. */
export function takeBytes(writer: Writer): Uint8Array {
  const taken = new Uint8Array(writer.length);
  taken.set(writer.bytes.subarray(0, writer.length));
  writer.length = 0;
  return taken;
}

function reserve(writer: Writer, count: number): void {
  const needed = writer.length + count;
  if (needed <= writer.bytes.length) return;
  const larger = Buffer.allocUnsafe(Math.max(needed, writer.bytes.length * 2));
  writer.bytes.copy(larger, 0, 0, writer.length);
  writer.bytes = larger;
}

/** Longest varint of a 32-bit number. */
const MAX_VARINT_BYTES = 5;

function writeVarint(writer: Writer, value: number): void {
  reserve(writer, MAX_VARINT_BYTES);
  let rest = value;
  while (rest > 0x7f) {
    writer.bytes[writer.length++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  writer.bytes[writer.length++] = rest;
}

/** An unsigned 32-bit, enum or bool field; written also when 0 (the caller leaves proto3 defaults out). */
export function writeUint(writer: Writer, field: number, value: number): void {
  writeVarint(writer, field << 3);
  writeVarint(writer, value);
}

/** A string field, UTF-8; written also when empty. */
export function writeString(writer: Writer, field: number, value: string): void {
  const start = openMessage(writer, field);
  const { length } = value;
  if (length <= LOOP_MAX_CHARACTERS) {
    reserve(writer, length);
    const { bytes } = writer;
    let at = writer.length;
    let ascii = true;
    for (let index = 0; index < length; index++) {
      const code = value.charCodeAt(index);
      if (code > 0x7f) ascii = false;
      bytes[at++] = code;
    }
    if (ascii) {
      writer.length = at;
      closeMessage(writer, start);
      return;
    }
  }
  // UTF-8 needs at most three bytes for a UTF-16 code unit.
  reserve(writer, length * 3);
  writer.length += writer.bytes.write(value, writer.length);
  closeMessage(writer, start);
}

/**
 * Begins a length-delimited field and gives the mark for `closeMessage`. One byte is kept for the length, which most of our
 * messages fit; a longer one is moved when it is closed.
 */
export function openMessage(writer: Writer, field: number): number {
  writeVarint(writer, (field << 3) | LENGTH_DELIMITED);
  reserve(writer, 1);
  writer.length++;
  return writer.length;
}

/** Ends the field that began at `start`. */
export function closeMessage(writer: Writer, start: number): void {
  const size = writer.length - start;
  if (size <= 0x7f) {
    writer.bytes[start - 1] = size;
    return;
  }
  const extra = varintBytes(size) - 1;
  reserve(writer, extra);
  writer.bytes.copyWithin(start + extra, start, writer.length);
  const end = writer.length + extra;
  writer.length = start - 1;
  writeVarint(writer, size);
  writer.length = end;
}

function varintBytes(value: number): number {
  let count = 1;
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) count++;
  return count;
}

/** Tag and length of a length-delimited field whose content is kept elsewhere. */
export function frameHead(field: number, size: number): Uint8Array {
  const writer: Writer = { bytes: Buffer.allocUnsafe(2 * MAX_VARINT_BYTES), length: 0 };
  writeVarint(writer, (field << 3) | LENGTH_DELIMITED);
  writeVarint(writer, size);
  return takeBytes(writer);
}

/** The parts one after the other. Protobuf messages that are joined so are merged. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  let size = 0;
  for (const part of parts) size += part.length;
  const all = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
