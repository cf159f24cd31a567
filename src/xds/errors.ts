/**
 * How a response says that names are not there: in delta as removed resources, in state of the world as `resource_errors`, the only
 * way to say it at once there. There may be 20 000 names, so they are written into one buffer, and a writer is not made for each.
 */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { STATUS } from "./transport.ts";

/** Of DeltaDiscoveryResponse and of DiscoveryResponse. */
const REMOVED_RESOURCES = 6;
const RESOURCE_ERRORS = 7;

/** What stands before a name of so many bytes, and after it. */
interface Wrapping {
  readonly before: (bytes: number) => Uint8Array;
  readonly after: Uint8Array;
}

const NOTHING = new Uint8Array();

const REMOVED: Wrapping = {
  before: (bytes) => new BinaryWriter().tag(REMOVED_RESOURCES, WireType.LengthDelimited).uint32(bytes).finish(),
  after: NOTHING,
};

/** The rest of a ResourceError: `{ resource_name { name }, error_detail { code, message } }`. */
const DETAIL = new BinaryWriter()
  .tag(2, WireType.LengthDelimited)
  .fork()
  .tag(1, WireType.Varint)
  .int32(STATUS.NOT_FOUND)
  .tag(2, WireType.LengthDelimited)
  .string("there is no such resource")
  .join()
  .finish();

const MISSING: Wrapping = {
  before(bytes) {
    const name = new BinaryWriter().tag(1, WireType.LengthDelimited).uint32(bytes).finish();
    const inError = new BinaryWriter()
      .tag(1, WireType.LengthDelimited)
      .uint32(name.length + bytes)
      .finish();
    const size = inError.length + name.length + bytes + DETAIL.length;
    const error = new BinaryWriter().tag(RESOURCE_ERRORS, WireType.LengthDelimited).uint32(size).finish();
    return Buffer.concat([error, inError, name]);
  },
  after: DETAIL,
};

/** The part of a response that tells of these names. */
export function encodeMissing(names: readonly string[], delta: boolean): Uint8Array {
  if (names.length === 0) return NOTHING;
  const { before, after } = delta ? REMOVED : MISSING;
  // Most names are as long as others.
  const heads = new Map<number, Uint8Array>();
  const headOf = (bytes: number): Uint8Array => {
    const head = heads.get(bytes) ?? before(bytes);
    heads.set(bytes, head);
    return head;
  };
  let size = 0;
  for (const name of names) {
    const bytes = Buffer.byteLength(name);
    size += headOf(bytes).length + bytes + after.length;
  }
  const part = Buffer.allocUnsafe(size);
  let at = 0;
  for (const name of names) {
    const head = headOf(Buffer.byteLength(name));
    part.set(head, at);
    at += head.length;
    at += part.write(name, at);
    part.set(after, at);
    at += after.length;
  }
  return part;
}
