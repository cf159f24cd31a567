/** Bytes inside TLS: endpoints that end it themselves, and clients on connections of their own. */
import { once } from "node:events";
import { type AddressInfo, createServer as createTcpServer, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { connect, createServer, type TLSSocket, type TlsOptions } from "node:tls";
import { connectTo } from "./rawHttp.ts";
import { type Handshake, type Hello, shake } from "./tls.ts";

/** What an endpoint says first of all. */
export interface Greeting {
  readonly name: string;
  /** What its client asked for; null: nothing, or TLS did not come as far as here. */
  readonly serverName: string | null;
  readonly alpn: string | null;
  /** CN of the client's certificate; null: it has shown none. */
  readonly client: string | null;
}

export interface BytesUpstream {
  readonly port: number;
  /** Connections so far. */
  readonly connections: () => number;
  /** Those that got as far as a greeting. */
  readonly greeted: () => number;
  readonly close: () => Promise<void>;
}

/** Greets with a line of JSON, sends bytes back, and ends its side after the client has. Without options: in the clear. */
export async function startBytes(name: string, options?: TlsOptions): Promise<BytesUpstream> {
  let [connections, greeted] = [0, 0];
  const sockets = new Set<Socket>();
  const talk = (socket: Socket): void => {
    const { servername, alpnProtocol } = socket as Partial<Pick<TLSSocket, "alpnProtocol">> & { servername?: string };
    const client = (socket as Partial<TLSSocket>).getPeerCertificate?.()?.subject?.CN?.toString() ?? null;
    const greeting: Greeting = { name, serverName: servername || null, alpn: alpnProtocol || null, client };
    greeted += 1;
    socket.on("error", () => {});
    socket.write(`${JSON.stringify(greeting)}\n`);
    socket.on("data", (chunk) => socket.write(chunk));
    // A little later, so that a proxy that closes both sides at the client's end loses these bytes and is caught.
    socket.on("end", () => setTimeout(() => socket.end("after half-close\n"), 200));
  };
  const server =
    options === undefined
      ? createTcpServer({ allowHalfOpen: true }, talk)
      : createServer({ allowHalfOpen: true, ...options }, talk);
  server.on("connection", (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  });
  server.on("tlsClientError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    greeted: () => greeted,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** A connection on which an endpoint has greeted. */
export interface Greeted extends Handshake {
  readonly greeting: Greeting;
}

const GREETING_MS = 5_000;

/** Shakes hands and waits for the greeting. Null: there was no handshake, or the connection ended before a greeting. */
export async function greet(hello: Hello): Promise<Greeted | null> {
  const done = await shake({ allowHalfOpen: true, ...hello } as Hello);
  if (done === null) return null;
  const line = await firstLine(done.socket);
  if (line !== null) return { ...done, greeting: JSON.parse(line) as Greeting };
  done.socket.destroy();
  return null;
}

/** Up to the first line break; null: the connection ended before. */
export function firstLine(socket: Socket): Promise<string | null> {
  return new Promise((resolve) => {
    let text = "";
    const timer = setTimeout(() => socket.destroy(), GREETING_MS);
    const end = (line: string | null): void => {
      clearTimeout(timer);
      socket.off("data", read);
      resolve(line);
    };
    const read = (chunk: Buffer): void => {
      text += chunk.toString("utf8");
      if (text.includes("\n")) end(text.slice(0, text.indexOf("\n")));
    };
    socket.on("data", read);
    for (const event of ["end", "close"]) socket.once(event, () => end(null));
  });
}

/** All that comes until the other side ends. */
export function rest(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
    });
    for (const event of ["end", "close"]) socket.once(event, () => resolve(text));
  });
}

/** What a client says first that asks for a name: its hello. */
export async function helloFor(servername: string): Promise<Buffer> {
  const server = createTcpServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = connect({ host: "127.0.0.1", port: (server.address() as AddressInfo).port, servername });
  client.on("error", () => {});
  const [socket] = (await once(server, "connection")) as [Socket];
  const [hello] = (await once(socket, "data")) as [Buffer];
  socket.on("error", () => {});
  for (const each of [socket, client]) each.destroy();
  server.close();
  return hello;
}

const PAUSE_MS = 150;

type To = Pick<Hello, "address" | "port">;

/** A connection whose first bytes come in pieces, as a hello that is larger than a packet does. */
export function piecewise(to: To, ...sizes: number[]): Promise<Duplex> {
  return saying(to, (hello) => {
    const starts = [0, ...sizes.map((_, index) => sizes.slice(0, index + 1).reduce((sum, size) => sum + size, 0))];
    return starts.map((start, index) => hello.subarray(start, starts[index + 1])).filter(({ length }) => length > 0);
  });
}

/** Of a record: type, version, length. */
const RECORD_HEAD_BYTES = 5;

/** A connection whose hello comes in records of so many bytes, all at once or each in a packet of its own. */
export function inRecords(to: To, size: number, isSlow: boolean): Promise<Duplex> {
  return saying(to, (hello) => {
    const [head, message] = [hello.subarray(0, 3), hello.subarray(RECORD_HEAD_BYTES)];
    const records: Buffer[] = [];
    for (let at = 0; at < message.length; at += size) {
      const piece = message.subarray(at, at + size);
      records.push(Buffer.concat([head, Buffer.from([piece.length >> 8, piece.length & 0xff]), piece]));
    }
    return isSlow ? records : [Buffer.concat(records)];
  });
}

/** A connection that says its hello in these pieces, with a pause behind each. */
async function saying(to: To, piecesOf: (hello: Buffer) => readonly Buffer[]): Promise<Duplex> {
  const socket = await connectTo(to);
  let isSaid = false;
  const send = async (chunk: Buffer): Promise<void> => {
    const [last, ...before] = (isSaid ? [chunk] : piecesOf(chunk)).toReversed();
    isSaid = true;
    for (const piece of before.toReversed()) {
      socket.write(piece);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    if (last !== undefined) socket.write(last);
  };
  const duplex = new Duplex({
    allowHalfOpen: true,
    read: () => {},
    final: (done) => void socket.end(done),
    destroy: (error, done) => {
      socket.destroy();
      done(error);
    },
    write: (chunk: Buffer, _encoding, done) => void send(chunk).then(() => done(), done),
  });
  socket.on("data", (chunk) => duplex.push(chunk));
  socket.on("end", () => duplex.push(null));
  socket.on("close", () => duplex.destroy());
  return duplex;
}
