/** PROXY headers as bytes, and an HTTP endpoint that wants one at the beginning of each connection and tells what it said. */
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import type { TlsOptions } from "node:tls";

/** Before the header of version 2. */
const SIGNATURE = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");
const V2_HEAD_BYTES = 16;
/** No header and request of ours is longer; more is an error. */
const MAX_BYTES = 16_384;

/** Where clients say that they come from, beside their address. */
export const CLAIMED_PORT = 4_000;

/** A header of version 1 that claims to come from this address; null: from nobody. */
export function v1(address: string | null): Buffer {
  return Buffer.from(
    address === null ? "PROXY UNKNOWN\r\n" : `PROXY TCP4 ${address} 192.0.2.254 ${CLAIMED_PORT} 80\r\n`,
  );
}

/** The same of version 2; null: LOCAL, as probes send it. */
export function v2(address: string | null): Buffer {
  if (address === null) return Buffer.concat([SIGNATURE, Buffer.from([0x20, 0x00, 0, 0])]);
  const body = Buffer.alloc(12);
  for (const [at, part] of `${address}.192.0.2.254`.split(".").entries()) body[at] = Number(part);
  body.writeUInt16BE(CLAIMED_PORT, 8);
  body.writeUInt16BE(80, 10);
  return Buffer.concat([SIGNATURE, Buffer.from([0x21, 0x11, 0, body.length]), body]);
}

/** What an endpoint heard at the beginning of a connection. */
export interface Heard {
  readonly version: "v1" | "v2";
  /** Null: nobody. */
  readonly client: string | null;
}

export interface Reader {
  readonly port: number;
  /** Of each connection that has said something; null: no header. */
  readonly heard: readonly (Heard | null)[];
  readonly close: () => Promise<void>;
}

/** Answers each request with 200 and what the header of its connection said, as JSON. */
export async function startReader(): Promise<Reader> {
  const heard: (Heard | null)[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    let data: Buffer = Buffer.alloc(0);
    let own: Heard | null | undefined;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      data = Buffer.concat([data, chunk]);
      if (own === undefined) {
        const read = readHeader(data);
        if (read === undefined && data.length < MAX_BYTES) return;
        own = read?.heard ?? null;
        heard.push(own);
        if (own === null) return void socket.destroy();
        data = data.subarray(read?.length ?? 0);
      }
      for (let end = data.indexOf("\r\n\r\n"); end >= 0; end = data.indexOf("\r\n\r\n")) {
        data = data.subarray(end + 4);
        const body = JSON.stringify(own);
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      }
    });
  });
  return listening(server, { heard, sockets });
}

/** It stops with its connections. */
async function listening(
  server: Server,
  { heard, sockets }: { readonly heard: (Heard | null)[]; readonly sockets: ReadonlySet<Socket> },
): Promise<Reader> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    heard,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

/** The same, but requests come inside TLS, behind the header. */
export async function startSecureReader(tls: TlsOptions): Promise<Reader> {
  const heard: (Heard | null)[] = [];
  const told = new WeakMap<object, Heard>();
  const sockets = new Set<Socket>();
  const requests = createHttpsServer(tls, ({ socket }, answer) => {
    // The connection below has the port that this one tells.
    const own = [...sockets].find(({ remotePort }) => remotePort === socket.remotePort);
    answer.end(JSON.stringify(own === undefined ? null : (told.get(own) ?? null)));
  });
  requests.on("tlsClientError", () => {});
  const server = createServer((socket) => {
    let data: Buffer = Buffer.alloc(0);
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    const look = (chunk: Buffer): void => {
      data = Buffer.concat([data, chunk]);
      const read = readHeader(data);
      if (read === undefined && data.length < MAX_BYTES) return;
      const own = read?.heard ?? null;
      heard.push(own);
      if (own === null || read === undefined) return void socket.destroy();
      socket.off("data", look);
      socket.pause();
      told.set(socket, own);
      if (data.length > read.length) socket.unshift(data.subarray(read.length));
      requests.emit("connection", socket);
    };
    socket.on("data", look);
  });
  return listening(server, { heard, sockets });
}

/** Undefined: more bytes are needed. */
function readHeader(data: Buffer): { readonly heard: Heard | null; readonly length: number } | undefined {
  const begin = data.subarray(0, SIGNATURE.length);
  if (begin.equals(SIGNATURE.subarray(0, begin.length))) return readV2(data);
  if (!"PROXY ".startsWith(data.toString("latin1", 0, 6))) return { heard: null, length: 0 };
  const end = data.indexOf("\r\n");
  if (end < 0) return undefined;
  const [, family, address] = data.toString("latin1", 0, end).split(" ");
  return { heard: { version: "v1", client: family === "UNKNOWN" ? null : (address ?? null) }, length: end + 2 };
}

function readV2(data: Buffer): { readonly heard: Heard; readonly length: number } | undefined {
  if (data.length < V2_HEAD_BYTES) return undefined;
  const length = V2_HEAD_BYTES + data.readUInt16BE(14);
  if (data.length < length) return undefined;
  // The low half of the byte is the command: 0 is LOCAL.
  const isLocal = (data.readUInt8(12) & 0x0f) === 0;
  const client = isLocal ? null : [...data.subarray(V2_HEAD_BYTES, V2_HEAD_BYTES + 4)].join(".");
  return { heard: { version: "v2", client }, length };
}
