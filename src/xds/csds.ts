/**
 * Client status (CSDS): what each node has of what it is to see, read from the state of its streams. The answer is written by hand as
 * all responses are: resources stay opaque.
 */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { type Steps, shouldYield } from "../util/steps.ts";
import type { Outbox } from "./budgets.ts";
import { CONFIG_STATUS, type ResourceState, resourceStates } from "./clientStates.ts";
import { MAX_STATUS_BYTES } from "./limits.ts";
import { matches, readStatusRequest } from "./nodeMatchers.ts";
import { SECRET } from "./resourceTypes.ts";
import type { Group, Stream } from "./state.ts";
import { type Connection, STATUS } from "./transport.ts";

/** A question that is not answered; the call ends with this status. */
export class StatusRefused extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** What there is to tell, and of which groups. */
export interface StatusSource {
  readonly groups: Iterable<Group>;
  readonly mayRead: (group: string) => boolean;
}

/** An encoded message in parts: as one it would be in memory twice. */
export interface Encoded {
  readonly parts: readonly Buffer[];
  readonly length: number;
}

/** The encoded ClientStatusResponse to an encoded ClientStatusRequest. Throws BadRequest and StatusRefused. */
export function* answerStatusSteps(message: Buffer, source: StatusSource): Steps<Encoded> {
  const request = readStatusRequest(message);
  const parts: Buffer[] = [];
  let size = 0;
  for (const streams of streamsByNode(source)) {
    yield;
    if (!matches(request.matchers, streams[0]!.node.id)) continue;
    const before = size;
    const config = yield* configSteps(streams, request.contents, (bytes) => {
      size += bytes;
      if (size <= MAX_STATUS_BYTES) return;
      const advice = "name nodes in node_matchers, or set exclude_resource_contents";
      throw new StatusRefused(STATUS.RESOURCE_EXHAUSTED, `the answer is over ${MAX_STATUS_BYTES} bytes: ${advice}`);
    });
    size = before + config.length;
    parts.push(finished(new BinaryWriter().tag(1, WireType.LengthDelimited).uint32(config.length)), ...config.parts);
  }
  return encoded(parts);
}

function finished(writer: BinaryWriter): Buffer {
  const { buffer, byteOffset, byteLength } = writer.finish();
  return Buffer.from(buffer, byteOffset, byteLength);
}

function encoded(parts: readonly Buffer[]): Encoded {
  return { parts, length: parts.reduce((sum, { length }) => sum + length, 0) };
}

/** Streams of each node together: one without ADS has a stream for each type. */
function streamsByNode({ groups, mayRead }: StatusSource): Stream[][] {
  const nodes = new Map<string, Stream[]>();
  for (const group of groups) {
    if (!mayRead(group.name)) continue;
    for (const stream of group.streams) {
      const key = `${stream.node.id.length}:${stream.node.id}${group.name}`;
      const streams = nodes.get(key);
      if (streams === undefined) nodes.set(key, [stream]);
      else streams.push(stream);
    }
  }
  return [...nodes.values()];
}

/** A ClientConfig: `{ node, generic_xds_configs }`. */
function* configSteps(streams: readonly Stream[], contents: boolean, grown: (bytes: number) => void): Steps<Encoded> {
  const { id, cluster, userAgent } = streams[0]!.node;
  const [agent = "", version = ""] = userAgent.split("/", 2);
  const node = new BinaryWriter();
  for (const [field, text] of [
    [1, id],
    [2, cluster],
    [6, agent],
    [7, version],
  ] as const) {
    if (text !== "") node.tag(field, WireType.LengthDelimited).string(text);
  }
  const parts: Buffer[] = [finished(new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(node.finish()))];
  for (const stream of streams) {
    // One for all states of a stream: each writer, and each part that it gives, is a buffer of its own.
    const writer = new BinaryWriter();
    let done = 0;
    for (const state of resourceStates(stream)) {
      grown(sizeOf(state, contents));
      writeState(writer, state, contents);
      if (shouldYield(done++)) yield;
    }
    parts.push(finished(writer));
    yield;
  }
  return encoded(parts);
}

/** What stands around the texts and the content of a state, at most. */
const STATE_BYTES = 64;

/** Bytes, about, that a state takes. */
function sizeOf({ typeUrl, name, resource, error }: ResourceState, contents: boolean): number {
  const content = contents && typeUrl !== SECRET ? (resource?.bytes.length ?? 0) + typeUrl.length : 0;
  return STATE_BYTES + typeUrl.length + name.length + content + (error === null ? 0 : error.message.length);
}

/** A GenericXdsConfig, framed as field 3 of its ClientConfig. */
function writeState(writer: BinaryWriter, state: ResourceState, contents: boolean): void {
  const { typeUrl, name, resource, configStatus, clientStatus, error } = state;
  writer.tag(3, WireType.LengthDelimited).fork();
  writer.tag(1, WireType.LengthDelimited).string(typeUrl);
  writer.tag(2, WireType.LengthDelimited).string(name);
  if (resource !== undefined) {
    writer.tag(3, WireType.LengthDelimited).string(resource.version);
    // What is secret is shown to those only who subscribe to it.
    if (contents && typeUrl !== SECRET) {
      writer.tag(4, WireType.LengthDelimited).fork();
      writer.tag(1, WireType.LengthDelimited).string(typeUrl);
      writer.tag(2, WireType.LengthDelimited).bytes(resource.bytes).join();
    }
  }
  writer.tag(6, WireType.Varint).int32(configStatus);
  writer.tag(7, WireType.Varint).int32(clientStatus);
  if (configStatus === CONFIG_STATUS.ERROR && error !== null) {
    writer.tag(8, WireType.LengthDelimited).fork();
    writer.tag(3, WireType.LengthDelimited).string(error.message);
    writer.tag(4, WireType.LengthDelimited).string(error.version).join();
  }
  writer.join();
}

/** One call for status. */
export interface StatusCall {
  /**
   * Sends an answer; while one is being written, the newest waits and takes the place of an older one. `outbox` holds what was not taken
   * yet.
   */
  ask(answer: Encoded, outbox: Outbox): void;
  /** The client asks no more. */
  finish(): void;
}

/** `fetch` ends after its first answer. */
export function createStatusCall(kind: "stream" | "fetch", connection: Connection, end: () => void): StatusCall {
  let writing = false;
  let waiting: Encoded | null = null;
  let finished = false;
  function send(answer: Encoded, outbox: Outbox): void {
    writing = true;
    connection.write([answer.parts], () => {
      writing = false;
      outbox.remove(answer.length);
      const next = waiting;
      waiting = null;
      if (kind === "fetch") end();
      else if (next !== null) send(next, outbox);
      else if (finished) end();
    });
  }
  return {
    ask(answer, outbox) {
      if (finished) return;
      finished = kind === "fetch";
      outbox.add(answer.length);
      if (writing) {
        outbox.remove(waiting?.length ?? 0);
        waiting = answer;
      } else send(answer, outbox);
    },
    finish() {
      finished = true;
      if (!writing) end();
    },
  };
}
