/**
 * Building discovery responses by hand from length-delimited parts: each resource's bytes are copied once, into the response.
 * The order of fields on the wire is free in protobuf.
 */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { FRAME_COPY_BYTES } from "./limits.ts";
import type { XdsResource } from "./types.ts";

export interface ResponseParts {
  readonly delta: boolean;
  readonly typeUrl: string;
  readonly version: string;
  readonly nonce: string;
  /** `control_plane.identifier`. */
  readonly identifier: string;
  readonly resources: readonly XdsResource[];
  /** Delta only. */
  readonly removed: readonly string[];
}

/** Field numbers that are equal in DiscoveryResponse and DeltaDiscoveryResponse. */
const VERSION = 1;
const RESOURCES = 2;
const TYPE_URL = 4;
const NONCE = 5;
/** DeltaDiscoveryResponse only. */
const REMOVED = 6;
const CONTROL_PLANE = { sotw: 6, delta: 7 };

/** Encodes a DiscoveryResponse or DeltaDiscoveryResponse. */
export function encodeResponse(parts: ResponseParts): Buffer {
  const head = encodeHead(parts);
  let size = head.length;
  for (const resource of parts.resources) size += framedSize(resource, parts.delta);
  const message = Buffer.allocUnsafe(size);
  message.set(head, 0);
  let at = head.length;
  for (const resource of parts.resources) {
    const frame = frameOf(resource, parts.delta);
    message.set(frame.bytes, at);
    at += frame.bytes.length;
    if (frame.whole) continue;
    message.set(resource.bytes, at);
    at += resource.bytes.length;
  }
  return message;
}

/** Bytes that a resource takes in a response, framing included. */
export function framedSize(resource: XdsResource, delta: boolean): number {
  const frame = frameOf(resource, delta);
  return frame.bytes.length + (frame.whole ? 0 : resource.bytes.length);
}

function encodeHead(parts: ResponseParts): Uint8Array {
  const writer = new BinaryWriter();
  writer.tag(VERSION, WireType.LengthDelimited).string(parts.version);
  writer.tag(TYPE_URL, WireType.LengthDelimited).string(parts.typeUrl);
  writer.tag(NONCE, WireType.LengthDelimited).string(parts.nonce);
  const field = parts.delta ? CONTROL_PLANE.delta : CONTROL_PLANE.sotw;
  writer.tag(field, WireType.LengthDelimited).fork();
  writer.tag(1, WireType.LengthDelimited).string(parts.identifier).join();
  for (const name of parts.removed) writer.tag(REMOVED, WireType.LengthDelimited).string(name);
  return writer.finish();
}

/** The framing of one resource: everything up to its bytes, or (`whole`) the bytes as well. */
interface Frame {
  readonly bytes: Uint8Array;
  readonly whole: boolean;
}

const sotwFrames = new WeakMap<XdsResource, Frame>();
const deltaFrames = new WeakMap<XdsResource, Frame>();

function frameOf(resource: XdsResource, delta: boolean): Frame {
  const frames = delta ? deltaFrames : sotwFrames;
  let frame = frames.get(resource);
  if (frame === undefined) {
    frame = makeFrame(resource, delta);
    frames.set(resource, frame);
  }
  return frame;
}

/** SotW: `resources { Any }`; delta: `resources { Resource { version, name, resource { Any } } }`, the bytes last in both. */
function makeFrame(resource: XdsResource, delta: boolean): Frame {
  const size = resource.bytes.length;
  const any = new BinaryWriter().tag(1, WireType.LengthDelimited).string(resource.typeUrl);
  const anyHead = any.tag(2, WireType.LengthDelimited).uint32(size).finish();
  let inner = anyHead;
  if (delta) {
    const wrapper = new BinaryWriter().tag(1, WireType.LengthDelimited).string(resource.version);
    wrapper.tag(3, WireType.LengthDelimited).string(resource.name);
    wrapper.tag(2, WireType.LengthDelimited).uint32(anyHead.length + size);
    inner = Buffer.concat([wrapper.finish(), anyHead]);
  }
  const outer = new BinaryWriter().tag(RESOURCES, WireType.LengthDelimited).uint32(inner.length + size);
  const whole = size <= FRAME_COPY_BYTES;
  return { bytes: Buffer.concat([outer.finish(), inner, ...(whole ? [resource.bytes] : [])]), whole };
}
