/**
 * Reading discovery requests straight from their bytes. Only the fields that the server acts on are decoded: an Envoy's node
 * lists hundreds of extensions, and a state-of-the-world ACK repeats every name.
 */
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { finish, type Steps, shouldYield } from "../util/steps.ts";
import { MAX_ERROR_CHARS, MAX_FEATURES, MAX_FIELDS, MAX_LABEL_BYTES, MAX_NAME_BYTES, MAX_NAMES } from "./limits.ts";
import { BadRequest } from "./reasons.ts";

/** What is used of a request's `node`. */
export interface RequestNode {
  readonly id: string;
  readonly cluster: string;
  readonly userAgent: string;
  /** It knows times to live of resources; and, in state of the world, takes them out of their wrappers. */
  readonly knowsTtl: boolean;
  readonly unwraps: boolean;
}

interface RequestHead {
  node: RequestNode | null;
  typeUrl: string;
  nonce: string;
  /** The text of `error_detail`; null: there is none, so this is no NACK. */
  error: string | null;
}

export interface SotwRequest extends RequestHead {
  version: string;
  /** The encoded name fields as they stand in the request (a copy only when others stand between): `decodeNamesSteps` reads them. */
  rawNames: Buffer;
}

export interface DeltaRequest extends RequestHead {
  /** The encoded names to subscribe to: `decodeNamesSteps` reads them. */
  rawSubscribe: Buffer;
  unsubscribe: string[];
  /** The encoded `initial_resource_versions`: `decodeVersionsSteps` reads them. */
  rawVersions: Buffer;
}

export { BadRequest };

/** Tag byte of DiscoveryRequest.resource_names and DeltaDiscoveryRequest.resource_names_subscribe (field 3, length-delimited). */
const NAME_TAG = 0x1a;
/** Tag byte of DeltaDiscoveryRequest.initial_resource_versions (field 5). */
const VERSION_TAG = 0x2a;
/** How documents and clients spell that a client knows times to live, and that it takes `Resource` wrappers off. */
const KNOWS_TTL = /^(?:xds|envoy)\.config\.(?:supports-)?resource-ttl(?:-in-sotw)?$/;
const UNWRAPS = /^(?:xds|envoy)\.config\.(?:supports-)?resource(?:-ttl)?-in-sotw$/;
/** Longest values and what they are called in errors. */
const NAME: readonly [number, string] = [MAX_NAME_BYTES, "a resource name"];
const LABEL: readonly [number, string] = [MAX_LABEL_BYTES, "a type URL, version, nonce or node field"];
/** Fields read of one entry of `initial_resource_versions`, which has two: many entries of many fields would multiply. */
const MAX_ENTRY_FIELDS = 8;
/** The `rawNames` of a request that names nothing. */
export const NO_NAMES: Buffer = Buffer.alloc(0);

/** Reads a DiscoveryRequest. `known`: name fields of earlier requests; an equal run of bytes is compared, not parsed. */
export function* decodeSotwSteps(bytes: Buffer, known: Iterable<Buffer>): Steps<SotwRequest> {
  const request: SotwRequest = { node: null, typeUrl: "", nonce: "", error: null, version: "", rawNames: NO_NAMES };
  const runs: Buffer[] = [];
  const counter = { tag: NAME_TAG, count: 0 };
  yield* fieldSteps(bytes, (field, reader) => {
    if (field === 1) request.version = label(bytes, reader);
    else if (field === 2) request.node = decodeNode(view(reader));
    else if (field === 3)
      runs.push((runs.length === 0 && knownRun(bytes, reader, known)) || takeRun(bytes, reader, counter));
    else if (field === 4) request.typeUrl = label(bytes, reader);
    else if (field === 5) request.nonce = label(bytes, reader);
    else if (field === 6) request.error = decodeStatus(view(reader));
    else return false;
    return true;
  });
  request.rawNames = joined(runs);
  return request;
}

/** Reads a DeltaDiscoveryRequest; `known` as above. */
export function* decodeDeltaSteps(bytes: Buffer, known: Iterable<Buffer>): Steps<DeltaRequest> {
  const request: DeltaRequest = {
    node: null,
    typeUrl: "",
    nonce: "",
    error: null,
    rawSubscribe: NO_NAMES,
    unsubscribe: [],
    rawVersions: NO_NAMES,
  };
  const subscribe: Buffer[] = [];
  const versions: Buffer[] = [];
  const names = { tag: NAME_TAG, count: 0 };
  const entries = { tag: VERSION_TAG, count: 0 };
  yield* fieldSteps(bytes, (field, reader) => {
    if (field === 1) request.node = decodeNode(view(reader));
    else if (field === 2) request.typeUrl = label(bytes, reader);
    else if (field === 3)
      subscribe.push((subscribe.length === 0 && knownRun(bytes, reader, known)) || takeRun(bytes, reader, names));
    else if (field === 4) pushName(request.unsubscribe, bytes, reader);
    else if (field === 5) versions.push(takeRun(bytes, reader, entries));
    else if (field === 6) request.nonce = label(bytes, reader);
    else if (field === 7) request.error = decodeStatus(view(reader));
    else return false;
    return true;
  });
  request.rawSubscribe = joined(subscribe);
  request.rawVersions = joined(versions);
  return request;
}

function joined(runs: readonly Buffer[]): Buffer {
  if (runs.length === 0) return NO_NAMES;
  return runs.length === 1 ? runs[0]! : Buffer.concat(runs);
}

/** The names in the `rawNames` or `rawSubscribe` of a request. */
export function* decodeNamesSteps(raw: Buffer): Steps<string[]> {
  const names: string[] = [];
  yield* fieldSteps(raw, (_field, reader) => {
    pushName(names, raw, reader);
    return true;
  });
  return names;
}

/** Name to version, of the `rawVersions` of a request. */
export function* decodeVersionsSteps(raw: Buffer): Steps<Map<string, string>> {
  const versions = new Map<string, string>();
  yield* fieldSteps(raw, (_field, reader) => {
    decodeVersionEntry(raw, reader, versions);
    return true;
  });
  return versions;
}

/** Reads what is small, or of which nothing is made. */
function readFields(bytes: Buffer, visit: FieldVisitor): void {
  finish(fieldSteps(bytes, visit));
}

type FieldVisitor = (field: number, reader: BinaryReader) => boolean;

/**
 * `visit` reads a length-delimited field and returns true, or returns false and has read nothing. Groups are refused: discovery
 * messages have none, and they can be nested as deep as the request is long.
 */
function* fieldSteps(bytes: Buffer, visit: FieldVisitor): Steps<void> {
  try {
    const reader = new BinaryReader(bytes);
    for (let fields = 0; reader.pos < reader.len; fields++) {
      if (fields >= MAX_FIELDS)
        throw new BadRequest(`a message has more than ${MAX_FIELDS} fields`, { reason: "count" });
      const [field, wireType] = reader.tag();
      if (wireType === WireType.StartGroup) throw new BadRequest("the request holds a group");
      if (wireType !== WireType.LengthDelimited || !visit(field, reader)) reader.skip(wireType, field);
      if (shouldYield(fields)) yield;
    }
  } catch (cause) {
    if (cause instanceof BadRequest) throw cause;
    throw new BadRequest("the request is not a valid protobuf message", { cause });
  }
}

/** The next length-delimited value, without copying. */
function view(reader: BinaryReader): Buffer {
  const value = reader.bytes();
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

/** The next length-delimited value as a short text. Throws BadRequest. */
export function label(bytes: Buffer, reader: BinaryReader): string {
  return text(bytes, reader, LABEL);
}

/** The next length-delimited value as text; there may be 100 000 of them, so no buffer is made for each. */
function text(bytes: Buffer, reader: BinaryReader, [limit, what]: readonly [number, string]): string {
  const length = reader.uint32();
  const start = reader.pos;
  if (length > reader.len - start) throw new BadRequest("the request is not a valid protobuf message");
  if (length > limit) throw new BadRequest(`${what} is longer than ${limit} bytes`);
  reader.pos = start + length;
  return bytes.toString("utf8", start, reader.pos);
}

function pushName(names: string[], bytes: Buffer, reader: BinaryReader): void {
  if (names.length >= MAX_NAMES) throw tooManyNames();
  names.push(text(bytes, reader, NAME));
}

function tooManyNames(): BadRequest {
  return new BadRequest(`a request names more than ${MAX_NAMES} resources`, { reason: "count" });
}

/** The run of name fields that begins here, if it is one of `known`; the reader stands behind the first tag. */
function knownRun(bytes: Buffer, reader: BinaryReader, known: Iterable<Buffer>): Buffer | null {
  const start = reader.pos - 1;
  for (const run of known) {
    const end = start + run.length;
    if (run.length === 0 || end > bytes.length || bytes[end] === NAME_TAG) continue;
    if (bytes.compare(run, 0, run.length, start, end) !== 0) continue;
    reader.pos = end;
    return bytes.subarray(start, end);
  }
  return null;
}

/** Reads a run of adjacent fields of one tag; the reader stands behind the first. `counter`: those of the request so far. */
function takeRun(bytes: Buffer, reader: BinaryReader, counter: { readonly tag: number; count: number }): Buffer {
  const start = reader.pos - 1;
  for (;;) {
    counter.count += 1;
    if (counter.count > MAX_NAMES) throw tooManyNames();
    // Most are short, and their length is one byte.
    const length = bytes[reader.pos]!;
    if (length < 0x80 && reader.pos + length < reader.len) reader.pos += 1 + length;
    else reader.skip(WireType.LengthDelimited);
    if (bytes[reader.pos] !== counter.tag) return bytes.subarray(start, reader.pos);
    reader.pos += 1;
  }
}

/** One entry of a map of strings; read in place, because a reader of its own costs more than the two strings. */
function decodeVersionEntry(bytes: Buffer, reader: BinaryReader, into: Map<string, string>): void {
  let name = "";
  let version = "";
  const length = reader.uint32();
  const end = reader.pos + length;
  for (let fields = 0; reader.pos < end; fields++) {
    if (fields >= MAX_ENTRY_FIELDS) {
      throw new BadRequest(`a version's entry has more than ${MAX_ENTRY_FIELDS} fields`, { reason: "count" });
    }
    const [field, wireType] = reader.tag();
    if (wireType === WireType.StartGroup) throw new BadRequest("the request holds a group");
    if (wireType !== WireType.LengthDelimited || field > 2) reader.skip(wireType, field);
    else if (field === 1) name = text(bytes, reader, NAME);
    else version = label(bytes, reader);
  }
  if (reader.pos !== end) throw new BadRequest("the request is not a valid protobuf message");
  if (into.size >= MAX_NAMES) throw tooManyNames();
  into.set(name, version);
}

function decodeNode(bytes: Buffer): RequestNode {
  const node = { id: "", cluster: "", agent: "", version: "", features: 0, knowsTtl: false, unwraps: false };
  readFields(bytes, (field, reader) => {
    if (field === 1) node.id = label(bytes, reader);
    else if (field === 2) node.cluster = label(bytes, reader);
    else if (field === 6) node.agent = label(bytes, reader);
    else if (field === 7) node.version = label(bytes, reader);
    else if (field === 8) node.version = decodeBuildVersion(view(reader));
    else if (field === 10 && node.features++ < MAX_FEATURES) noteFeature(node, label(bytes, reader));
    else return false;
    return true;
  });
  const { id, cluster, knowsTtl, unwraps } = node;
  const userAgent = node.version === "" ? node.agent : `${node.agent}/${node.version}`;
  return { id, cluster, userAgent, knowsTtl, unwraps };
}

function noteFeature(node: { knowsTtl: boolean; unwraps: boolean }, feature: string): void {
  node.knowsTtl ||= KNOWS_TTL.test(feature);
  node.unwraps ||= UNWRAPS.test(feature);
}

/** BuildVersion.version is a SemanticVersion of three numbers. */
function decodeBuildVersion(bytes: Buffer): string {
  let version = "";
  readFields(bytes, (field, reader) => {
    if (field !== 1) return false;
    const parts = [0, 0, 0];
    const semantic = new BinaryReader(reader.bytes());
    // Three numbers and nothing else: a longer one is not looked at further.
    for (let fields = 0; semantic.pos < semantic.len && fields < parts.length; fields++) {
      const [part, wireType] = semantic.tag();
      if (wireType === WireType.Varint && part >= 1 && part <= 3) parts[part - 1] = semantic.uint32();
      else if (wireType !== WireType.StartGroup) semantic.skip(wireType, part);
    }
    version = parts.join(".");
    return true;
  });
  return version;
}

/** `google.rpc.Status.message`; the code says nothing that the message does not. */
function decodeStatus(bytes: Buffer): string {
  let message = "";
  readFields(bytes, (field, reader) => {
    if (field !== 2) return false;
    message = view(reader).toString("utf8", 0, MAX_ERROR_CHARS);
    return true;
  });
  return message;
}
