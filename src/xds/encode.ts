/**
 * Building discovery responses by hand from length-delimited parts: each resource's bytes are copied once, into the response.
 * The order of fields on the wire is free in protobuf.
 */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { encodeMissing } from "./errors.ts";
import { FRAME_COPY_BYTES } from "./limits.ts";
import type { XdsResource } from "./types.ts";

export interface ResponseParts {
  readonly delta: boolean;
  /** The node is told times to live. */
  readonly ttl: boolean;
  readonly typeUrl: string;
  readonly version: string;
  readonly nonce: string;
  /** `control_plane.identifier`. */
  readonly identifier: string;
  readonly resources: readonly Sendable[];
  /** Delta: gone or not there. State of the world: not there, told as errors. */
  readonly removed: readonly string[];
}

/** A resource, or (`hollow`) only its wrapper: a heartbeat, or "there is no such host". */
export type Sendable = XdsResource & { readonly hollow?: true };

/** Field numbers that are equal in DiscoveryResponse and DeltaDiscoveryResponse. */
const VERSION = 1;
const RESOURCES = 2;
const TYPE_URL = 4;
const NONCE = 5;
const CONTROL_PLANE = { sotw: 6, delta: 7 };

/** Encodes a DiscoveryResponse or DeltaDiscoveryResponse. */
export function encodeResponse(parts: ResponseParts): Buffer {
  const head = encodeHead(parts);
  const missing = encodeMissing(parts.removed, parts.delta);
  let size = head.length + missing.length;
  for (const resource of parts.resources) size += framedSize(resource, parts);
  const message = Buffer.allocUnsafe(size);
  message.set(head, 0);
  message.set(missing, head.length);
  let at = head.length + missing.length;
  for (const resource of parts.resources) {
    const frame = frameOf(resource, parts);
    message.set(frame.bytes, at);
    at += frame.bytes.length;
    if (frame.whole) continue;
    message.set(resource.bytes, at);
    at += resource.bytes.length;
  }
  return message;
}

/** Bytes that a resource takes in a response, framing included. */
export function framedSize(resource: Sendable, form: Form): number {
  const frame = frameOf(resource, form);
  return frame.bytes.length + (frame.whole ? 0 : resource.bytes.length);
}

/** Bytes, about, that the name of something that is not there takes in a response. */
export function toldSize(name: string, delta: boolean): number {
  return name.length + (delta ? REMOVED_FRAME_BYTES : ERROR_FRAME_BYTES);
}

/** What stands around a name: as removed, and as an error with its text. */
const REMOVED_FRAME_BYTES = 3;
const ERROR_FRAME_BYTES = 40;

function encodeHead(parts: ResponseParts): Uint8Array {
  const writer = new BinaryWriter();
  writer.tag(VERSION, WireType.LengthDelimited).string(parts.version);
  writer.tag(TYPE_URL, WireType.LengthDelimited).string(parts.typeUrl);
  writer.tag(NONCE, WireType.LengthDelimited).string(parts.nonce);
  const field = parts.delta ? CONTROL_PLANE.delta : CONTROL_PLANE.sotw;
  writer.tag(field, WireType.LengthDelimited).fork();
  writer.tag(1, WireType.LengthDelimited).string(parts.identifier).join();
  return writer.finish();
}

/** The framing of one resource: everything up to its bytes, or (`whole`) the bytes as well. */
interface Frame {
  readonly bytes: Uint8Array;
  readonly whole: boolean;
}

/** How resources stand in a response. */
type Form = Pick<ResponseParts, "delta" | "ttl">;

const sotwFrames = new WeakMap<XdsResource, Frame>();
const deltaFrames = new WeakMap<XdsResource, Frame>();

function frameOf(resource: Sendable, form: Form): Frame {
  const ttl = form.ttl && resource.ttlMs !== undefined;
  // Few and short: not worth a memory of their own.
  if (ttl || resource.hollow) return makeFrame(resource, { delta: form.delta, ttl });
  const frames = form.delta ? deltaFrames : sotwFrames;
  let frame = frames.get(resource);
  if (frame === undefined) {
    frame = makeFrame(resource, { delta: form.delta, ttl });
    frames.set(resource, frame);
  }
  return frame;
}

const WRAPPER_URL = "type.googleapis.com/envoy.service.discovery.v3.Resource";

/**
 * Delta: `resources { Resource { …, resource { Any } } }`; state of the world: `resources { Any }`, or with a time to live
 * `resources { Any of Resource { …, resource { Any } } }`. The bytes come last in all of them.
 */
function makeFrame(resource: Sendable, { delta, ttl }: Form): Frame {
  const size = resource.hollow ? 0 : resource.bytes.length;
  let inner: Uint8Array = resource.hollow ? NOTHING : anyHead(resource.typeUrl, size);
  if (delta || ttl) {
    const wrapper = resourceHead(resource, ttl);
    if (!resource.hollow) wrapper.tag(2, WireType.LengthDelimited).uint32(inner.length + size);
    inner = Buffer.concat([wrapper.finish(), inner]);
  }
  if (!delta && ttl) inner = Buffer.concat([anyHead(WRAPPER_URL, inner.length + size), inner]);
  const outer = new BinaryWriter().tag(RESOURCES, WireType.LengthDelimited).uint32(inner.length + size);
  const whole = size <= FRAME_COPY_BYTES;
  const bytes = Buffer.concat([outer.finish(), inner, ...(whole && !resource.hollow ? [resource.bytes] : [])]);
  return { bytes, whole };
}

const NOTHING = new Uint8Array();

/** An Any up to its value. */
function anyHead(typeUrl: string, size: number): Uint8Array {
  const writer = new BinaryWriter().tag(1, WireType.LengthDelimited).string(typeUrl);
  return writer.tag(2, WireType.LengthDelimited).uint32(size).finish();
}

/** A `Resource` up to its content. */
function resourceHead(resource: Sendable, ttl: boolean): BinaryWriter {
  const writer = new BinaryWriter().tag(1, WireType.LengthDelimited).string(resource.version);
  writer.tag(3, WireType.LengthDelimited).string(resource.name);
  for (const alias of resource.aliases ?? []) writer.tag(4, WireType.LengthDelimited).string(alias);
  const { ttlMs } = resource;
  if (ttl && ttlMs !== undefined) {
    const duration = new BinaryWriter().tag(1, WireType.Varint).int64(Math.floor(ttlMs / 1_000));
    duration.tag(2, WireType.Varint).int32((ttlMs % 1_000) * 1_000_000);
    writer.tag(6, WireType.LengthDelimited).bytes(duration.finish());
  }
  return writer;
}
