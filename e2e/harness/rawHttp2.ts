/** A raw HTTP/2 client without TLS: sends frames and fields as they are, also those that no library would, and tells what came of it. */
import type { Socket } from "node:net";
import { connectTo, type SocketAddress } from "./rawHttp.ts";

export const FRAME = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
};
export const FLAG = { endStream: 1, ack: 1, endHeaders: 4 };
const HEAD_BYTES = 9;
const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DEADLINE_MS = 5_000;

/** A frame; `flags` and `stream` are 0 unless they are given. */
export function frame(
  type: number,
  { flags = 0, stream = 0, payload = Buffer.alloc(0) }: { flags?: number; stream?: number; payload?: Buffer } = {},
): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

export type Fields = readonly (readonly [string, string])[];

/** Fields in HPACK, each as a literal that is not indexed: what is written is what comes. */
export function packed(fields: Fields): Buffer {
  const text = (value: string): Buffer =>
    Buffer.concat([length(Buffer.byteLength(value, "latin1")), Buffer.from(value, "latin1")]);
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]));
}

function length(size: number): Buffer {
  if (size < 127) return Buffer.from([size]);
  const bytes = [127];
  let rest = size - 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Buffer.from([...bytes, rest]);
}

/** The fields of a usual request. */
export function fieldsOf(authority: string, path = "/", method = "GET"): Fields {
  return [
    [":method", method],
    [":scheme", "http"],
    [":authority", authority],
    [":path", path],
  ];
}

/** A connection. */
export interface RawHttp2 {
  readonly write: (...frames: readonly Buffer[]) => void;
  readonly socket: Socket;
  /** What the stream got: `200`, `reset 1`, `goaway 1`, `closed`, or `nothing`. */
  readonly outcome: (stream: number) => Promise<string>;
  /** What the other side says of itself, by identifier. */
  readonly settings: () => ReadonlyMap<number, number>;
  readonly close: () => void;
}

/** Connects and says what every client says first; `settings` are pairs of identifier and value. */
export async function openHttp2(
  to: SocketAddress,
  settings: readonly (readonly [number, number])[] = [],
): Promise<RawHttp2> {
  const socket = await connectTo(to);
  const ends = new Map<number, string>();
  const said = new Map<number, number>();
  let [buffered, whole] = [Buffer.alloc(0), ""];
  socket.on("data", (chunk: Buffer) => {
    buffered = Buffer.concat([buffered, chunk]);
    while (buffered.length >= HEAD_BYTES) {
      const size = buffered.readUIntBE(0, 3);
      if (buffered.length < HEAD_BYTES + size) return;
      const [type, flags, stream] = [buffered.readUInt8(3), buffered.readUInt8(4), buffered.readUInt32BE(5)];
      const payload = buffered.subarray(HEAD_BYTES, HEAD_BYTES + size);
      buffered = buffered.subarray(HEAD_BYTES + size);
      if (type === FRAME.settings) {
        for (let at = 0; at + 6 <= payload.length; at += 6)
          said.set(payload.readUInt16BE(at), payload.readUInt32BE(at + 2));
      }
      if (type === FRAME.settings && (flags & FLAG.ack) === 0) socket.write(frame(FRAME.settings, { flags: FLAG.ack }));
      if (type === FRAME.headers && !ends.has(stream)) ends.set(stream, statusOf(payload));
      if (type === FRAME.reset && !ends.has(stream)) ends.set(stream, `reset ${payload.readUInt32BE(0)}`);
      if (type === FRAME.goaway && payload.readUInt32BE(4) !== 0) whole ||= `goaway ${payload.readUInt32BE(4)}`;
    }
  });
  socket.on("close", () => {
    whole ||= "closed";
  });
  socket.on("end", () => {
    whole ||= "closed";
    socket.destroy();
  });
  const values = Buffer.concat(
    settings.map(([id, value]) => {
      const one = Buffer.alloc(6);
      one.writeUInt16BE(id, 0);
      one.writeUInt32BE(value, 2);
      return one;
    }),
  );
  socket.write(Buffer.concat([Buffer.from(PREFACE, "latin1"), frame(FRAME.settings, { payload: values })]));
  return {
    socket,
    write: (...frames) => void (socket.destroyed || socket.write(Buffer.concat(frames))),
    settings: () => said,
    outcome: async (stream) => {
      const deadline = performance.now() + DEADLINE_MS;
      while (performance.now() < deadline) {
        const found = ends.get(stream) ?? (whole === "" ? undefined : whole);
        if (found !== undefined) return found;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      return "nothing";
    },
    close: () => socket.destroy(),
  };
}

/** One request on a connection of its own. */
export async function askHttp2(to: SocketAddress, fields: Fields, body?: string): Promise<string> {
  const connection = await openHttp2(to);
  const flags = FLAG.endHeaders | (body === undefined ? FLAG.endStream : 0);
  connection.write(frame(FRAME.headers, { flags, stream: 1, payload: packed(fields) }));
  if (body !== undefined)
    connection.write(frame(FRAME.data, { flags: FLAG.endStream, stream: 1, payload: Buffer.from(body) }));
  const outcome = await connection.outcome(1);
  connection.close();
  return outcome;
}

/** Statuses that HPACK's static table has, from 8 on. */
const STATIC = ["200", "204", "206", "304", "400", "404", "500"];
/** Digits in HPACK's Huffman code: three of five bits, the others of six. */
const DIGITS = new Map(
  [...Array(10).keys()].map((digit) => [
    digit < 3 ? `0000${digit.toString(2)}`.slice(-5) : (22 + digit).toString(2).padStart(6, "0"),
    String(digit),
  ]),
);

/** The first field of an answer is its status. */
function statusOf(block: Buffer): string {
  let at = 0;
  while (((block[at] ?? 0) & 0xe0) === 0x20) at += 1;
  const first = block[at] ?? 0;
  if (first >= 0x80) return STATIC[(first & 0x7f) - 8] ?? `index ${first & 0x7f}`;
  const size = block[at + 1] ?? 0;
  const text = block.subarray(at + 2, at + 2 + (size & 0x7f));
  if (size < 0x80) return text.toString("latin1");
  let [bits, status] = ["", ""];
  for (const bit of [...text].map((byte) => byte.toString(2).padStart(8, "0")).join("")) {
    bits += bit;
    const digit = DIGITS.get(bits);
    if (digit !== undefined) [bits, status] = ["", status + digit];
  }
  return status.slice(0, 3);
}
