/** What the first bytes of a request say, before the rest may come. */
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { label } from "./decode.ts";

/** Fields looked at: a version stands before the node at most. */
const MAX_PEEKED_FIELDS = 8;

/** Who says to send a request of which only `start` has come; null: that cannot be told from it. Clients write the node first. */
export function peekNode(start: Buffer, delta: boolean): { id: string; cluster: string } | null {
  const node = { id: "", cluster: "" };
  try {
    const reader = new BinaryReader(start);
    for (let fields = 0; fields < MAX_PEEKED_FIELDS; fields++) {
      const [field, wireType] = reader.tag();
      if (field !== (delta ? 1 : 2) || wireType !== WireType.LengthDelimited) {
        reader.skip(wireType, field);
        continue;
      }
      reader.uint32();
      for (let [part] = reader.tag(); part <= 2; [part] = reader.tag()) {
        if (part === 1) node.id = label(start, reader);
        else node.cluster = label(start, reader);
      }
      break;
    }
  } catch {
    // The rest has not come: what was read before is what there is.
  }
  return node.id === "" ? null : node;
}
