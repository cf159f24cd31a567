/** The adapter's messages, and pieces of protobuf by field number: what is stored must keep what we do not know of. */
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

/** A field as it stands on the wire. */
export interface Field {
  readonly number: number;
  /** Tag and value. */
  readonly bytes: Uint8Array;
  /** The value of a length-delimited field. */
  readonly value: Uint8Array | null;
}

/** A message of the wrong shape; the call ends with INVALID_ARGUMENT. */
export class BadMessage extends Error {}

/** All fields in their order. Throws BadMessage. */
export function fieldsOf(bytes: Uint8Array): Field[] {
  const fields: Field[] = [];
  try {
    const reader = new BinaryReader(bytes);
    while (reader.pos < reader.len) {
      const start = reader.pos;
      const [number, type] = reader.tag();
      const value = type === WireType.LengthDelimited ? reader.bytes() : null;
      if (value === null) reader.skip(type, number);
      fields.push({ number, value, bytes: bytes.subarray(start, reader.pos) });
    }
  } catch (cause) {
    throw new BadMessage("this is not a protobuf message", { cause });
  }
  return fields;
}

/** Text of the last field of that number; empty when there is none. */
export function textAt(fields: readonly Field[], number: number): string {
  return textOf(fields.findLast((field) => field.number === number && field.value !== null)?.value);
}

/** A value as text. */
export function textOf(value: Uint8Array | null | undefined): string {
  return value ? Buffer.from(value).toString("utf8") : "";
}

/** Values of all length-delimited fields of that number. */
export function valuesAt(fields: readonly Field[], number: number): Uint8Array[] {
  return fields.flatMap((field) => (field.number === number && field.value !== null ? [field.value] : []));
}

/** The message without the fields that `drop` names, and with others at its end. */
export function rewritten(bytes: Uint8Array, drop: (field: Field) => boolean, ...added: Uint8Array[]): Uint8Array {
  const kept = fieldsOf(bytes).filter((field) => !drop(field));
  return Buffer.concat([...kept.map((field) => field.bytes), ...added]);
}

/** A length-delimited field. */
export function lengthDelimited(number: number, value: string | Uint8Array): Uint8Array {
  const bytes = typeof value === "string" ? Buffer.from(value) : value;
  return new BinaryWriter().tag(number, WireType.LengthDelimited).bytes(bytes).finish();
}

/** A number. */
export function varint(number: number, value: number): Uint8Array {
  return new BinaryWriter().tag(number, WireType.Varint).uint32(value).finish();
}

/** A `google.protobuf.Any`. */
export interface AnyBytes {
  readonly typeUrl: string;
  readonly value: Uint8Array;
}

/** Reads an Any. */
export function readAny(bytes: Uint8Array): AnyBytes {
  const fields = fieldsOf(bytes);
  return { typeUrl: textAt(fields, 1), value: valuesAt(fields, 2).at(-1) ?? new Uint8Array() };
}

/** What SetState is asked. */
export interface SetStateRequest {
  readonly node: string;
  readonly version: string;
  readonly resources: readonly AnyBytes[];
}

/** Reads a SetStateRequest. */
export function readSetState(bytes: Uint8Array): SetStateRequest {
  const fields = fieldsOf(bytes);
  return { node: textAt(fields, 1), version: textAt(fields, 2), resources: valuesAt(fields, 3).map(readAny) };
}

/** What the calls about one resource are asked. */
export interface ResourceRequest {
  readonly node: string;
  readonly typeUrl: string;
  readonly name: string;
  readonly version: string;
}

/** Reads a ResourceRequest. */
export function readResource(bytes: Uint8Array): ResourceRequest {
  const fields = fieldsOf(bytes);
  const [node, typeUrl, name, version] = [1, 2, 3, 4].map((number) => textAt(fields, number)) as [
    string,
    string,
    string,
    string,
  ];
  if (typeUrl === "" || name === "") throw new BadMessage("typeUrl and resourceName are needed");
  return { node, typeUrl, name, version };
}

/** The node of a clearStateRequest. */
export function readClear(bytes: Uint8Array): string {
  return textAt(fieldsOf(bytes), 1);
}

/** `success: true`. */
export const SUCCESS: Uint8Array = varint(1, 1);

/** A duration in milliseconds. */
export function readDuration(bytes: Uint8Array): number {
  const reader = new BinaryReader(bytes);
  let milliseconds = 0;
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    if (number === 1) milliseconds += Number(reader.int64()) * 1_000;
    else if (number === 2) milliseconds += reader.int32() / 1_000_000;
    else reader.skip(type, number);
  }
  return milliseconds;
}
