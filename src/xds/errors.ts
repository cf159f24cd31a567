/** `resource_errors`: in state of the world, the only way to say at once that a name is not there. */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { STATUS } from "./transport.ts";

/** A ResourceError: `{ resource_name { name }, error_detail { code, message } }`. */
export function encodeMissing(name: string): Uint8Array {
  const resourceName = new BinaryWriter().tag(1, WireType.LengthDelimited).string(name);
  const status = new BinaryWriter().tag(1, WireType.Varint).int32(STATUS.NOT_FOUND);
  status.tag(2, WireType.LengthDelimited).string("there is no such resource");
  const error = new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(resourceName.finish());
  return error.tag(2, WireType.LengthDelimited).bytes(status.finish()).finish();
}
