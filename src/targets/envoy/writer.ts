/**
 * How routes are written. There are ten thousand of them, so what nearly all have goes straight to protobuf-es' writer, with
 * field numbers of the Envoy v1.31 API; everything else is a message of protobuf-es, appended: of messages that are joined,
 * Envoy takes lists one after the other and sets each other field to what was said of it last, message within message.
 */
import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

/** Numbers in Route that several files write. */
export const ROUTE = { match: 1, route: 2, name: 14 } as const;
/** Number in Route of a list of field names. */
export const REQUEST_HEADERS_TO_REMOVE = 12;
/** Number in RegexMatcher. */
const REGEX_MATCHER_REGEX = 2;

/** Begins a message field; `writer.join()` ends it. */
export function openMessage(writer: BinaryWriter, field: number): void {
  writer.tag(field, WireType.LengthDelimited).fork();
}

/** A string field. */
export function writeText(writer: BinaryWriter, field: number, text: string): void {
  writer.tag(field, WireType.LengthDelimited).string(text);
}

/** An unsigned number, enum or bool. */
export function writeNumber(writer: BinaryWriter, field: number, value: number): void {
  writer.tag(field, WireType.Varint).uint32(value);
}

/** A RegexMatcher field: RE2, the whole text. */
export function writeRegex(writer: BinaryWriter, field: number, regex: string): void {
  openMessage(writer, field);
  writeText(writer, REGEX_MATCHER_REGEX, regex);
  writer.join();
}

/** Adds fields of the message that is open. */
export function append<Desc extends DescMessage>(
  writer: BinaryWriter,
  schema: Desc,
  message: MessageInitShape<Desc>,
): void {
  writer.raw(toBinary(schema, create(schema, message)));
}

/** Tag and length of a message field whose bytes are kept elsewhere. */
export function frameHead(field: number, size: number): Uint8Array {
  return new BinaryWriter().tag(field, WireType.LengthDelimited).uint32(size).finish();
}

/** The parts one after the other. */
export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
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
