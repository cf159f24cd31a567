/** What hostile clients are made of: streams on node:http2 that obey nobody, and frames written by hand. */

import { type ClientHttp2Session, type ClientHttp2Stream, connect, type Settings } from "node:http2";
import { connect as connectTcp, type Socket } from "node:net";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  DeltaDiscoveryRequestSchema,
  DiscoveryRequestSchema,
} from "../gen/proto/envoy/service/discovery/v3/discovery_pb.js";
import { DISCOVERY_METHODS } from "./resourceTypes.ts";

/** Clusters of the fleet `edge`, each with endpoints of its name: `c0`, `c1` and so on. */
export const CLUSTERS = 1_000;

/** Method paths of the aggregated service. */
export const SOTW = pathOf(false, null);
export const DELTA = pathOf(true, null);

export const STATUS = DISCOVERY_METHODS.find((method) => method.status === "stream")!.path;

/** The path of a discovery method. */
export function pathOf(delta: boolean, typeUrl: string | null): string {
  return DISCOVERY_METHODS.find((method) => method.delta === delta && method.typeUrl === typeUrl)!.path;
}

/** A gRPC message: its head and bytes. */
export function framed(message: Uint8Array, head: { flag?: number; length?: number } = {}): Buffer {
  const frame = Buffer.alloc(5 + message.length);
  frame[0] = head.flag ?? 0;
  frame.writeUInt32BE(head.length ?? message.length, 1);
  frame.set(message, 5);
  return frame;
}

export function sotw(request: MessageInitShape<typeof DiscoveryRequestSchema>): Buffer {
  return framed(toBinary(DiscoveryRequestSchema, create(DiscoveryRequestSchema, request)));
}

export function delta(request: MessageInitShape<typeof DeltaDiscoveryRequestSchema>): Buffer {
  return framed(toBinary(DeltaDiscoveryRequestSchema, create(DeltaDiscoveryRequestSchema, request)));
}

/** How a stream ended. */
export interface End {
  /** `grpc-status`; null: there was none. */
  readonly code: number | null;
  readonly message: string;
  readonly http: number | null;
}

export interface AttackStream {
  readonly stream: ClientHttp2Stream;
  /** Writes; the promise is for those who wait for flow control. */
  write(bytes: Buffer): Promise<void>;
  /** Bytes received. */
  received(): number;
  /** Messages received whole. */
  messages(): number;
  readonly ended: Promise<End>;
}

export interface Attacker {
  readonly session: ClientHttp2Session;
  /** `read: false`: what comes is left to flow control. */
  open(path: string, options?: { read?: boolean; headers?: Record<string, string> }): AttackStream;
  readonly closed: Promise<void>;
  close(): void;
}

/** Where attacks come from: not where the good client is. */
export const FROM = "127.0.0.2";

export async function attack(address: string, options: { from?: string; settings?: Settings } = {}): Promise<Attacker> {
  const [host, port] = address.split(":");
  const socket = connectTcp({ host: host!, port: Number(port), localAddress: options.from ?? FROM });
  const session = connect(`http://${address}`, {
    createConnection: () => socket,
    settings: options.settings ?? {},
    // Ours is not to be the memory that runs out.
    maxSessionMemory: 10_000,
  });
  session.on("error", () => {});
  socket.on("error", () => {});
  const closed = new Promise<void>((resolve) => session.once("close", resolve));
  await Promise.race([new Promise((resolve) => session.once("remoteSettings", resolve)), closed]);
  return {
    session,
    closed,
    open: (path, { read = true, headers = {} } = {}) => openStream(session, { path, read, headers }),
    close: () => session.destroy(),
  };
}

function openStream(
  session: ClientHttp2Session,
  { path, read, headers }: { path: string; read: boolean; headers: Record<string, string> },
): AttackStream {
  const stream = session.request(
    { ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers", ...headers },
    { endStream: false },
  );
  let end: End = { code: null, message: "", http: null };
  let received = 0;
  let messages = 0;
  let left = 0;
  const note = (fields: Record<string, unknown>): void => {
    if (fields[":status"] !== undefined) end = { ...end, http: Number(fields[":status"]) };
    if (fields["grpc-status"] === undefined) return;
    end = { ...end, code: Number(fields["grpc-status"]), message: decodeURI(String(fields["grpc-message"] ?? "")) };
  };
  stream.on("response", note);
  stream.on("trailers", note);
  stream.on("error", () => {});
  // Each write that waits listens to the end.
  stream.setMaxListeners(0);
  if (read) {
    let head = Buffer.alloc(0);
    stream.on("data", (chunk: Buffer) => {
      received += chunk.length;
      for (let at = 0; at < chunk.length; ) {
        if (left > 0) {
          const taken = Math.min(left, chunk.length - at);
          left -= taken;
          at += taken;
          if (left === 0) messages += 1;
          continue;
        }
        const taken = Math.min(5 - head.length, chunk.length - at);
        head = Buffer.concat([head, chunk.subarray(at, at + taken)]);
        at += taken;
        if (head.length < 5) continue;
        left = head.readUInt32BE(1);
        head = Buffer.alloc(0);
      }
    });
  }
  return {
    stream,
    received: () => received,
    messages: () => messages,
    write: (bytes) =>
      new Promise((resolve) => {
        if (stream.destroyed || stream.writableEnded) resolve();
        else stream.write(bytes, () => resolve());
        stream.once("close", resolve);
      }),
    ended: new Promise((resolve) => stream.once("close", () => resolve(end))),
  };
}

/** HTTP/2 by hand. */
export interface RawConnection {
  readonly socket: Socket;
  readonly closed: Promise<void>;
  /** Sends the same bytes until so many are sent or the connection closes; false: it was closed. */
  flood(bytes: Buffer, total: number): Promise<boolean>;
}

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
/** Frame types. */
export const FRAME = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  ping: 6,
  window: 8,
  continuation: 9,
} as const;

export function http2Frame(type: number, options: { flags?: number; stream?: number; payload?: Buffer } = {}): Buffer {
  const payload = options.payload ?? Buffer.alloc(0);
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = options.flags ?? 0;
  head.writeUInt32BE(options.stream ?? 0, 5);
  return Buffer.concat([head, payload]);
}

/** Header block of a gRPC request, every field literal and not indexed. */
export function headerBlock(fields: Record<string, string>): Buffer {
  const parts: Buffer[] = [];
  for (const [name, value] of Object.entries(fields)) {
    parts.push(Buffer.from([0, name.length]), Buffer.from(name), Buffer.from([value.length]), Buffer.from(value));
  }
  return Buffer.concat(parts);
}

export const GRPC_HEADERS = headerBlock({
  ":method": "POST",
  ":scheme": "http",
  ":path": DELTA,
  ":authority": "x",
  "content-type": "application/grpc",
  te: "trailers",
});

/** A connection; without `preface` nothing is said on it. */
export async function rawConnection(address: string, preface = true): Promise<RawConnection> {
  const [host, port] = address.split(":");
  const socket = connectTcp({ host: host!, port: Number(port), localAddress: FROM });
  socket.on("error", () => {});
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  socket.resume();
  await new Promise((resolve) => socket.once("connect", resolve));
  if (preface) socket.write(Buffer.concat([PREFACE, http2Frame(FRAME.settings)]));
  return {
    socket,
    closed,
    async flood(bytes, total) {
      const block = Buffer.alloc(bytes.length * Math.max(1, Math.floor(65_536 / bytes.length)), bytes);
      for (let sent = 0; sent < total && !socket.destroyed; sent += block.length) {
        if (!socket.write(block)) {
          await Promise.race([new Promise((resolve) => socket.once("drain", resolve)), closed]);
        }
      }
      return !socket.destroyed;
    },
  };
}
