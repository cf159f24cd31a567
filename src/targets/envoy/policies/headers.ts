/** Header changes in one direction: what the two policies share. */
import type { BinaryWriter } from "@bufbuild/protobuf/wire";
import type { HeaderChangesIr, HeaderSettingIr } from "../../../ir/index.ts";
import { formatLiteral } from "../quote.ts";
import { openMessage, writeNumber, writeText } from "../writer.ts";

/** Numbers in HeaderValueOption and HeaderValue. */
const HEADER_OPTION = { header: 1, appendAction: 3 } as const;
const OVERWRITE_IF_EXISTS_OR_ADD = 2;
const HEADER_VALUE = { key: 1, value: 2 } as const;

/** Numbers in Route. */
interface HeaderChangeFields {
  readonly toAdd: number;
  readonly toRemove: number;
}

/** Where changes of the request's header fields stand. */
export const REQUEST_HEADERS: HeaderChangeFields = { toAdd: 9, toRemove: 12 };
/** Where those of the answer's stand. */
export const RESPONSE_HEADERS: HeaderChangeFields = { toAdd: 10, toRemove: 11 };

/** Adds the changes to the open Route. */
export function writeHeaderChanges(
  writer: BinaryWriter,
  { set, add, remove }: HeaderChangesIr,
  { toAdd, toRemove }: HeaderChangeFields,
): void {
  for (const setting of set) {
    openOption(writer, toAdd, setting);
    writeNumber(writer, HEADER_OPTION.appendAction, OVERWRITE_IF_EXISTS_OR_ADD);
    writer.join();
  }
  for (const setting of add) {
    openOption(writer, toAdd, setting);
    writer.join();
  }
  for (const name of remove) writeText(writer, toRemove, name);
}

/** Left open: it appends unless it is told otherwise. */
function openOption(writer: BinaryWriter, field: number, { name, value }: HeaderSettingIr): void {
  openMessage(writer, field);
  openMessage(writer, HEADER_OPTION.header);
  writeText(writer, HEADER_VALUE.key, name);
  writeText(writer, HEADER_VALUE.value, formatLiteral(value));
  writer.join();
}
